/* What Python calls: layers, cut into pieces for the pool. `inner.h` has what a piece is made of.
 *
 * Weights are read where they lie, in the memory-mapped checkpoint: no copy, no other order. They need no alignment.
 * Every function returns one of `enum failure`.
 */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "inner.h"
#include "pool.h"

#define PUBLIC __attribute__((visibility("default")))

enum failure { NONE, NO_MEMORY, NO_SUCH_EXPERT };

/* By name; NULL if this build or this machine has not got it. */
PUBLIC const struct inner *cadenza_find(const char *name)
{
    static const struct inner *const all[] = {
        &cadenza_portable,
#if defined(__x86_64__)
        &cadenza_avx2,
        &cadenza_avx512,
#elif defined(__aarch64__)
        &cadenza_neon,
#endif
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(all[i]->name, name) == 0 && all[i]->works())
            return all[i];
    return 0;
}

static float bfloat16(uint16_t x)
{
    uint32_t bits = (uint32_t)x << 16;
    float wide;
    memcpy(&wide, &bits, 4);
    return wide;
}

static int least(int a, int b) { return a < b ? a : b; }

/* Cuts memory for one call out of one allocation. */
static void *cut(char **memory, size_t bytes)
{
    void *start = *memory;
    *memory += (bytes + 63) / 64 * 64;
    return start;
}

/* --- linear layers ------------------------------------------------------------------------------------------------ */

enum { LINEAR_ROWS = 32 }; /* of a piece: at gpt-oss' width, 180 kB of weights stay in a core's cache */

struct linear {
    const struct inner *inner;
    int tokens, rows, depth;
    const float *x;
    const uint16_t *weights, *bias;
    float *out;
};

static void linear_piece(void *job, long piece, int worker)
{
    const struct linear *l = job;
    (void)worker;
    int row = (int)piece * LINEAR_ROWS, count = least(LINEAR_ROWS, l->rows - row);
    l->inner->bf16_rows(l->weights + (size_t)row * l->depth, l->depth, count, l->x, l->tokens, l->out + row, l->rows);
    if (l->bias)
        for (int t = 0; t < l->tokens; t++)
            for (int r = row; r < row + count; r++)
                l->out[(size_t)t * l->rows + r] += bfloat16(l->bias[r]);
}

/* out[t] = W x[t] + bias. x: `[tokens, depth]` float32; W: `[rows, depth]` bfloat16; bias: `[rows]` bfloat16 or NULL. */
PUBLIC int cadenza_linear(const struct inner *inner, int threads, int tokens, int rows, int depth, const float *x,
                          const uint16_t *weights, const uint16_t *bias, float *out)
{
    struct linear l = {inner, tokens, rows, depth, x, weights, bias, out};
    pool_run(threads, (rows + LINEAR_ROWS - 1) / LINEAR_ROWS, linear_piece, &l);
    return NONE;
}

struct int8_linear {
    const struct inner *inner;
    int tokens, rows;
    size_t depth;
    const float *x;
    struct int8 weights;
    const uint16_t *bias;
    int16_t *values;
    float *units, *out;
};

static void int8_quantise_piece(void *job, long token, int worker)
{
    const struct int8_linear *l = job;
    (void)worker;
    l->units[token] = l->inner->int8_quantise(l->x + token * l->depth, l->depth, l->values + token * l->depth);
}

static void int8_piece(void *job, long piece, int worker)
{
    const struct int8_linear *l = job;
    (void)worker;
    int row = (int)piece * LINEAR_ROWS, count = least(LINEAR_ROWS, l->rows - row);
    l->inner->int8_rows(l->weights, row, count, l->values, l->tokens, l->out + row, l->rows);
    for (int t = 0; t < l->tokens; t++)
        for (int r = row; r < row + count; r++) {
            float *out = l->out + (size_t)t * l->rows + r;
            *out = *out * l->units[t] + (l->bias ? bfloat16(l->bias[r]) : 0.0f);
        }
}

/* The same for W in int8: values `[rows, depth]`, and scales `[rows, depth / 64]`. depth: a multiple of 64. */
PUBLIC int cadenza_int8_linear(const struct inner *inner, int threads, int tokens, int rows, int depth, const float *x,
                               const int8_t *values, const float *scales, const uint16_t *bias, float *out)
{
    size_t cells = (size_t)tokens * depth;
    char *memory = malloc(cells * sizeof(int16_t) + tokens * sizeof(float) + 256);
    if (!memory)
        return NO_MEMORY;
    char *rest = memory + (-(size_t)memory & 63);
    struct int8_linear l = {inner, tokens, rows, depth, x, {values, scales, depth / INT8_GROUP}, bias, 0, 0, out};
    l.values = cut(&rest, cells * sizeof *l.values);
    l.units = cut(&rest, tokens * sizeof *l.units);
    pool_run(tokens <= FEW ? 1 : threads, tokens, int8_quantise_piece, &l);
    pool_run(threads, (rows + LINEAR_ROWS - 1) / LINEAR_ROWS, int8_piece, &l);
    free(memory);
    return NONE;
}

/* --- experts ------------------------------------------------------------------------------------------------------ */

/* Pairs of a token and one of its experts are sorted by expert. A piece is UP_ROWS rows of one expert's gates and ups
 * for all of its tokens: these make one group of the inner activations, which is quantised at once. Then, in a second
 * round, DOWN_ROWS rows of the second matrix. */
enum { UP_ROWS = 2 * GROUP, DOWN_ROWS = GROUP };

struct expert {
    int index, start, count; /* of its pairs in the sorted order */
};

struct experts {
    const struct inner *inner;
    int tokens, top_k, hidden, width; /* width: of the activations between the two matrices */
    struct mx up, down;
    const void *up_bias, *down_bias;
    int bias_is_bf16;
    float limit, alpha;
    const float *x, *weights; /* [tokens, hidden], [tokens, top_k] */
    float *out;               /* [tokens, hidden] */

    struct expert *used;     /* the experts that have tokens */
    int *place;              /* [tokens, top_k]: where in the sorted order each pair went */
    struct quantised *x_q;   /* [tokens] */
    struct quantised *pairs; /* x_q in the sorted order */
    struct quantised *inner_q;
    float *results; /* [tokens * top_k, hidden], sorted */
    char *scratch;  /* of each worker */
    size_t scratch_bytes;
};

/* out[t, r] = row r of one expert's matrix . token t + bias, where a token takes `rows` places */
static void rows_of_expert(const struct experts *e, struct mx matrix, const void *bias, size_t row, int rows,
                           const struct quantised *x, int tokens, float *out, size_t stride, char *scratch)
{
    const struct inner *inner = e->inner;
    if (tokens <= FEW) {
        inner->mx_rows(matrix, row, rows, x, tokens, out, stride);
    } else {
        int16_t *panel = cut(&scratch, matrix.groups * GROUP * inner->lanes * sizeof *panel);
        float *scales = cut(&scratch, matrix.groups * inner->lanes * sizeof *scales);
        for (int r = 0; r < rows; r += inner->lanes) {
            inner->mx_unpack(matrix, row + r, panel, scales);
            inner->mx_panel(panel, scales, matrix.groups, x, tokens, out + r, stride);
        }
    }
    for (int r = 0; r < rows; r++) {
        float added = e->bias_is_bf16 ? bfloat16(((const uint16_t *)bias)[row + r]) : ((const float *)bias)[row + r];
        for (int t = 0; t < tokens; t++)
            out[t * stride + r] += added;
    }
}

static void quantise_piece(void *job, long token, int worker)
{
    const struct experts *e = job;
    (void)worker;
    for (size_t g = 0; g < e->up.groups; g++)
        e->inner->quantise(e->x + token * e->hidden + g * GROUP, g, e->x_q[token]);
}

static void up_piece(void *job, long piece, int worker)
{
    const struct experts *e = job;
    int pieces = 2 * e->width / UP_ROWS, group = (int)(piece % pieces);
    struct expert expert = e->used[piece / pieces];
    char *scratch = e->scratch + worker * e->scratch_bytes;
    float *made = cut(&scratch, (size_t)expert.count * UP_ROWS * sizeof *made);
    rows_of_expert(e, e->up, e->up_bias, (size_t)expert.index * 2 * e->width + (size_t)group * UP_ROWS, UP_ROWS,
                   e->pairs + expert.start, expert.count, made, UP_ROWS, scratch);
    for (int t = 0; t < expert.count; t++) {
        float activations[GROUP];
        e->inner->swiglu(made + t * UP_ROWS, GROUP, e->limit, e->alpha, activations);
        e->inner->quantise(activations, group, e->inner_q[expert.start + t]);
    }
}

static void down_piece(void *job, long piece, int worker)
{
    const struct experts *e = job;
    int pieces = e->hidden / DOWN_ROWS, row = (int)(piece % pieces) * DOWN_ROWS;
    struct expert expert = e->used[piece / pieces];
    rows_of_expert(e, e->down, e->down_bias, (size_t)expert.index * e->hidden + row, DOWN_ROWS,
                   e->inner_q + expert.start, expert.count, e->results + (size_t)expert.start * e->hidden + row,
                   e->hidden, e->scratch + worker * e->scratch_bytes);
}

static void sum_piece(void *job, long token, int worker)
{
    const struct experts *e = job;
    (void)worker;
    float *out = e->out + token * e->hidden;
    memset(out, 0, e->hidden * sizeof *out);
    for (int k = 0; k < e->top_k; k++) {
        float weight = e->weights[token * e->top_k + k];
        const float *result = e->results + (size_t)e->place[token * e->top_k + k] * e->hidden;
        for (int i = 0; i < e->hidden; i++)
            out[i] += weight * result[i];
    }
}

static size_t quantised_bytes(size_t groups) { return (groups + 3) / 4 * 4 * (GROUP * 4 + 32); }

static void cut_quantised(char **memory, struct quantised *to, int count, size_t groups)
{
    size_t padded = (groups + 3) / 4 * 4, last = padded - 4;
    for (int i = 0; i < count; i++) {
        to[i].values = cut(memory, padded * GROUP * sizeof(int16_t));
        to[i].bytes = cut(memory, padded * GROUP * 2);
        to[i].sums = cut(memory, padded * 4 * sizeof(int32_t));
        to[i].scales = cut(memory, padded * 4 * sizeof(float));
        memset(to[i].values + last * GROUP, 0, 4 * GROUP * sizeof(int16_t));
        memset(to[i].bytes + last * GROUP * 2, 0, 4 * GROUP * 2);
        memset(to[i].sums + last * 4, 0, 16 * sizeof(int32_t));
        memset(to[i].scales + last * 4, 0, 16 * sizeof(float));
    }
}

/* Sorts the pairs by expert, in the order of tokens within one; returns how many experts have any. */
static int sort(struct experts *e, const int64_t *chosen, int experts, int *counts)
{
    int pairs = e->tokens * e->top_k, used = 0;
    memset(counts, 0, experts * sizeof *counts);
    for (int i = 0; i < pairs; i++)
        counts[chosen[i]]++;
    for (int index = 0, start = 0; index < experts; index++) {
        int count = counts[index];
        if (count)
            e->used[used++] = (struct expert){index, start, count};
        counts[index] = start;
        start += count;
    }
    for (int i = 0; i < pairs; i++) {
        e->place[i] = counts[chosen[i]]++;
        e->pairs[e->place[i]] = e->x_q[i / e->top_k];
    }
    return used;
}

/* What the mixture of experts gives for each token.
 *
 * x, out: `[tokens, hidden]`; weights, chosen: `[tokens, top_k]`. up: rows take turns, gate and up, `[experts, 2 * width]`
 * of them; down: `[experts, hidden]`. Biases, one a row, are float32 or bfloat16. hidden and width: multiples of 32.
 */
PUBLIC int cadenza_experts(const struct inner *inner, int threads, int tokens, int top_k, int experts, int hidden,
                           int width, const float *x, const float *weights, const int64_t *chosen,
                           const uint8_t *up_blocks, const uint8_t *up_scales, const void *up_bias,
                           const uint8_t *down_blocks, const uint8_t *down_scales, const void *down_bias,
                           int bias_is_bf16, float limit, float alpha, float *out)
{
    for (long i = 0; i < (long)tokens * top_k; i++)
        if (chosen[i] < 0 || chosen[i] >= experts)
            return NO_SUCH_EXPERT;
    size_t pairs = (size_t)tokens * top_k, groups = hidden / GROUP, inner_groups = width / GROUP;
    size_t most = groups > inner_groups ? groups : inner_groups;
    struct experts e = {
        .inner = inner, .tokens = tokens, .top_k = top_k, .hidden = hidden, .width = width,
        .up = {up_blocks, up_scales, groups}, .down = {down_blocks, down_scales, inner_groups},
        .up_bias = up_bias, .down_bias = down_bias, .bias_is_bf16 = bias_is_bf16, .limit = limit, .alpha = alpha,
        .x = x, .weights = weights, .out = out,
        .scratch_bytes = ((size_t)tokens * UP_ROWS * 4 + most * inner->lanes * (GROUP * 2 + 4) + 511) / 64 * 64,
    };
    char *memory = malloc(threads * e.scratch_bytes + tokens * (quantised_bytes(groups) + sizeof *e.x_q + 256) +
                          pairs * (quantised_bytes(inner_groups) + 2 * sizeof *e.pairs + hidden * 4 + 320) +
                          experts * (sizeof *e.used + 4) + 1024);
    if (!memory)
        return NO_MEMORY;
    char *rest = memory + (-(size_t)memory & 63);
    e.scratch = cut(&rest, threads * e.scratch_bytes);
    e.x_q = cut(&rest, tokens * sizeof *e.x_q);
    e.pairs = cut(&rest, pairs * sizeof *e.pairs);
    e.inner_q = cut(&rest, pairs * sizeof *e.inner_q);
    e.results = cut(&rest, pairs * hidden * sizeof *e.results);
    e.place = cut(&rest, pairs * sizeof *e.place);
    e.used = cut(&rest, experts * sizeof *e.used);
    int *counts = cut(&rest, experts * sizeof *counts);
    cut_quantised(&rest, e.x_q, tokens, groups);
    cut_quantised(&rest, e.inner_q, (int)pairs, inner_groups);

    long used = sort(&e, chosen, experts, counts);
    int alone = tokens <= FEW ? 1 : threads; /* waking another thread costs more than so little work */
    pool_run(alone, tokens, quantise_piece, &e);
    pool_run(threads, used * (2 * width / UP_ROWS), up_piece, &e);
    pool_run(threads, used * (hidden / DOWN_ROWS), down_piece, &e);
    pool_run(alone, tokens, sum_piece, &e);
    free(memory);
    return NONE;
}

/* --- attention ---------------------------------------------------------------------------------------------------- */

/* Softmax in one pass over blocks of keys: the largest logit so far, the sum of exponentials relative to it, and the
 * weighted values are corrected when a larger one comes (arXiv:2205.14135). The sink is where they start: a logit
 * that is there already and brings no value.
 *
 * A piece is one head of keys and BLOCK rows, the queries of all heads that share it at some times in a row. A block of
 * keys is turned around once, such that both products are of the same form. Blocks begin at multiples of KEYS, and keys
 * that a query does not see add exact zeros: so its result is the same, bit for bit, whatever is computed beside it. */
enum { BLOCK = 64 };

/* Of one sequence: its queries are the rows from `row` on, and stand at the last `time` of `keys` positions. Position p is
 * in page number p / page, which table[pages + p / page - first_page] places in memory. */
struct run {
    int64_t row, time, keys, pages, first_page;
};

struct attention {
    const struct inner *inner;
    int heads, kv_heads, head_dim, page, window, times; /* times: of a piece */
    const struct run *runs;
    const int64_t *table;
    const float *q, *k, *v, *sinks;
    const long *q_stride, *k_stride, *v_stride; /* of row and head; of page, head and time */
    float scale;
    float *out; /* [rows, heads, head_dim] */
    char *scratch;
    size_t scratch_bytes;
};

static size_t attention_bytes(size_t rows, size_t head_dim)
{
    return 4 * (2 * rows * head_dim + rows * KEYS + 2 * rows + 2 * head_dim * KEYS) + 512;
}

/* Where a position's keys or values of one head are. */
static const float *at_position(const struct attention *a, const struct run *run, const float *from, const long *stride,
                                int head, int position)
{
    int64_t page = a->table[run->pages + position / a->page - run->first_page];
    return from + page * stride[0] + head * stride[1] + position % a->page * stride[2];
}

static void attention_piece(void *job, long piece, int worker)
{
    const struct attention *a = job;
    const struct inner *inner = a->inner;
    int dim = a->head_dim, group = a->heads / a->kv_heads, kv_head = (int)(piece % a->kv_heads);
    const struct run *run = a->runs;
    long block = piece / a->kv_heads;
    for (long blocks; block >= (blocks = (run->time + a->times - 1) / a->times); run++)
        block -= blocks;
    int start = (int)block * a->times, count = least(a->times, (int)run->time - start), rows = count * group;
    int padded = (rows + 3) / 4 * 4, past = (int)(run->keys - run->time);

    char *rest = a->scratch + worker * a->scratch_bytes;
    float *queries = cut(&rest, (size_t)padded * dim * 4), *mixed = cut(&rest, (size_t)padded * dim * 4);
    float *scores = cut(&rest, (size_t)padded * KEYS * 4), *turned = cut(&rest, (size_t)dim * KEYS * 4);
    float *most = cut(&rest, (size_t)padded * 4), *sums = cut(&rest, (size_t)padded * 4);
    memset(queries, 0, (size_t)padded * dim * 4);
    memset(mixed, 0, (size_t)padded * dim * 4);
    for (int r = 0; r < rows; r++) {
        int head = kv_head * group + r % group;
        const float *q = a->q + (run->row + start + r / group) * a->q_stride[0] + head * a->q_stride[1];
        for (int i = 0; i < dim; i++)
            queries[r * dim + i] = q[i];
        most[r] = fmaxf(a->sinks[head], -1e30f); /* a sink of minus infinity: none */
        sums[r] = 1;
    }

    int first = a->window && past + start >= a->window ? past + start - a->window + 1 : 0, end = past + start + count;
    for (int key = first / KEYS * KEYS; key < end; key += KEYS) {
        int unseen = first > key ? first - key : 0, some = least(KEYS, end - key);
        memset(turned, 0, (size_t)dim * KEYS * 4);
        for (int j = unseen; j < some; j++) {
            const float *k = at_position(a, run, a->k, a->k_stride, kv_head, key + j);
            for (int i = 0; i < dim; i++)
                turned[i * KEYS + j] = k[i];
        }
        memset(scores, 0, (size_t)padded * KEYS * 4);
        inner->multiply(padded, KEYS, dim, queries, dim, turned, KEYS, scores);
        for (int r = 0; r < rows; r++) {
            float *score = scores + r * KEYS;
            int position = past + start + r / group;
            for (int j = 0; j < KEYS; j++)
                score[j] *= a->scale;
            int from = a->window ? position - a->window + 1 - key : 0, to = position + 1 - key;
            for (int j = 0; j < from && j < KEYS; j++)
                score[j] = -INFINITY;
            for (int j = to > 0 ? to : 0; j < KEYS; j++)
                score[j] = -INFINITY;
            float largest = inner->largest(score);
            if (largest > most[r]) {
                float correction = expf(most[r] - largest);
                sums[r] *= correction;
                for (int i = 0; i < dim; i++)
                    mixed[r * dim + i] *= correction;
                most[r] = largest;
            }
            sums[r] += inner->exponentials(score, most[r]);
        }
        for (int r = rows; r < padded; r++)
            memset(scores + r * KEYS, 0, KEYS * 4);
        for (int j = unseen, next; j < some; j = next) { /* what lies in one page at a time */
            next = least(some, j + a->page - (key + j) % a->page);
            const float *v = at_position(a, run, a->v, a->v_stride, kv_head, key + j);
            inner->multiply(padded, dim, next - j, scores + j, KEYS, v, a->v_stride[2], mixed);
        }
    }
    for (int r = 0; r < rows; r++) {
        int head = kv_head * group + r % group;
        float *out = a->out + ((size_t)(run->row + start + r / group) * a->heads + head) * dim;
        for (int i = 0; i < dim; i++)
            out[i] = mixed[r * dim + i] / sums[r];
    }
}

/* Grouped-query attention with sinks, of sequences whose keys and values lie in pages.
 *
 * q: `[rows, heads, head_dim]`, strides of its first two dimensions; k and v: `[pages, kv_heads, page, head_dim]`, of its
 * first three; sinks: `[heads]`; window: positions visible to a query, its own among them, or 0 for all; out:
 * `[rows, heads, head_dim]`. All float32. head_dim: a multiple of 16.
 */
PUBLIC int cadenza_attention(const struct inner *inner, int threads, int sequences, int heads, int kv_heads, int head_dim,
                             int page, const struct run *runs, const int64_t *table, const float *q,
                             const long *q_stride, const float *k, const long *k_stride, const float *v,
                             const long *v_stride, const float *sinks, int window, float scale, float *out)
{
    int group = heads / kv_heads, times = BLOCK / group > 1 ? BLOCK / group : 1, most = 1;
    for (int s = 0; s < sequences; s++)
        most = runs[s].time > most ? (int)runs[s].time : most;
    times = least(times, most);
    struct attention a = {inner, heads, kv_heads, head_dim, page, window, times, runs, table, q, k, v, sinks,
                          q_stride, k_stride, v_stride, scale, out, 0, 0};
    long pieces = 0;
    for (int s = 0; s < sequences; s++)
        pieces += kv_heads * ((runs[s].time + times - 1) / times);
    a.scratch_bytes = (attention_bytes(times * group + 3, head_dim) + 63) / 64 * 64;
    a.scratch = malloc(threads * a.scratch_bytes);
    if (!a.scratch)
        return NO_MEMORY;
    pool_run(threads, pieces, attention_piece, &a);
    free(a.scratch);
    return NONE;
}
