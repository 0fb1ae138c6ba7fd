/* NEON against portable C, through the functions that Python calls: built and run by test_neon.py.
 *
 * The ordinary tests compare portable C with torch. Here both get the same layers of random shapes, alike in every run:
 * - their results differ by less than LIMIT, relative to the norm;
 * - a token's result is the same, bit for bit, without the tokens beside it;
 * - a NaN stays with its own token, and shows in the same places of both.
 *
 * Weights in MXFP4 begin at odd addresses. What does not hold is a line that names function, shape and error.
 */

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct inner;
const struct inner *cadenza_find(const char *name);
int cadenza_linear(const struct inner *inner, int threads, int tokens, int rows, int depth, const float *x,
                   const uint16_t *weights, const uint16_t *bias, float *out);
int cadenza_int8_linear(const struct inner *inner, int threads, int tokens, int rows, int depth, const float *x,
                        const int8_t *values, const float *scales, const uint16_t *bias, float *out);
int cadenza_experts(const struct inner *inner, int threads, int tokens, int top_k, int experts, int hidden, int width,
                    const float *x, const float *weights, const int64_t *chosen, const uint8_t *up_blocks,
                    const uint8_t *up_scales, const void *up_bias, const uint8_t *down_blocks,
                    const uint8_t *down_scales, const void *down_bias, int bias_is_bf16, float limit, float alpha,
                    float *out);
int cadenza_attention(const struct inner *inner, int threads, int sequences, int heads, int kv_heads, int head_dim,
                      int page, const int64_t (*runs)[5], const int64_t *table, const float *q, const long *q_stride,
                      const float *k, const long *k_stride, const float *v, const long *v_stride, const float *sinks,
                      int window, float scale, float *out);

#define LIMIT 1e-5
#define LENGTH(list) (int)(sizeof(list) / sizeof *(list))

enum { SHAPES = 40, THREADS = 2, SEQUENCES = 3 };

static const struct inner *neon, *portable;
static int failures;

/* --- random numbers, in memory that the next shape takes again ---------------------------------------------------- */

static char memory[1 << 26];
static size_t taken;

static void *take(size_t bytes)
{
    void *start = memory + taken;
    taken += (bytes + 63) / 64 * 64;
    if (taken > sizeof memory) {
        puts("a shape needs more memory than there is");
        exit(1);
    }
    return start;
}

static uint64_t state = 1;

static int from_to(int low, int high)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return low + (int)((state >> 20) % (uint64_t)(high - low + 1));
}

#define ONE_OF(list) (list)[from_to(0, LENGTH(list) - 1)]

static float number(void) /* mean 0, variance 1 */
{
    int sum = 0;
    for (int i = 0; i < 3; i++)
        sum += from_to(-1000000, 1000000);
    return (float)sum * 1e-6f;
}

static float *floats(size_t count)
{
    float *made = take(count * sizeof *made);
    for (size_t i = 0; i < count; i++)
        made[i] = number();
    return made;
}

static uint16_t *bfloat16s(size_t count)
{
    uint16_t *made = take(count * sizeof *made);
    for (size_t i = 0; i < count; i++) {
        float wide = number();
        memcpy(made + i, (char *)&wide + 2, 2);
    }
    return made;
}

static uint8_t *bytes(size_t count, int low, int high)
{
    uint8_t *made = (uint8_t *)take(count + 1) + 1;
    for (size_t i = 0; i < count; i++)
        made[i] = (uint8_t)from_to(low, high);
    return made;
}

/* --- layers ------------------------------------------------------------------------------------------------------- */

/* What one function is called with. `run` makes the results of `count` tokens, from token `first` and its x on. */
struct layer {
    int (*run)(const struct layer *l, const struct inner *inner, int threads, int first, int count, const float *x,
               float *out);
    char shape[120];
    int tokens, in, out; /* in, out: numbers of a token */

    const void *weights, *scales, *bias;

    const void *down_blocks, *down_scales, *down_bias;
    const int64_t *chosen;
    const float *shares;
    int top_k, experts, width, bias_is_bf16;

    const int64_t *table;
    int64_t runs[SEQUENCES][5];
    const float *cache, *sinks;
    int sequences, heads, kv_heads, head_dim, page, window;
};

static int few_or_many(void)
{
    static const int tokens[] = {1, 1, 2, 3, 4, 5, 7, 8, 9, 13, 26, 50};
    return ONE_OF(tokens);
}

static int run_linear(const struct layer *l, const struct inner *inner, int threads, int first, int count,
                      const float *x, float *out)
{
    (void)first;
    return cadenza_linear(inner, threads, count, l->out, l->in, x, l->weights, l->bias, out);
}

static void linear(struct layer *l, int wide)
{
    l->run = run_linear;
    l->tokens = few_or_many(), l->out = from_to(1, 150), l->in = wide ? 2880 : from_to(1, 300);
    l->weights = bfloat16s((size_t)l->out * l->in);
    l->bias = from_to(0, 1) ? bfloat16s(l->out) : 0;
    snprintf(l->shape, sizeof l->shape, "%d tokens, %d rows, depth %d", l->tokens, l->out, l->in);
}

static int run_int8_linear(const struct layer *l, const struct inner *inner, int threads, int first, int count,
                           const float *x, float *out)
{
    (void)first;
    return cadenza_int8_linear(inner, threads, count, l->out, l->in, x, l->weights, l->scales, l->bias, out);
}

static void int8_linear(struct layer *l, int wide)
{
    l->run = run_int8_linear;
    l->tokens = few_or_many(), l->out = from_to(1, 150), l->in = wide ? 2880 : 64 * from_to(1, 5);
    l->weights = bytes((size_t)l->out * l->in, 0, 255);
    l->scales = floats((size_t)l->out * l->in / 64);
    l->bias = from_to(0, 1) ? bfloat16s(l->out) : 0;
    snprintf(l->shape, sizeof l->shape, "%d tokens, %d rows, depth %d", l->tokens, l->out, l->in);
}

static int run_experts(const struct layer *l, const struct inner *inner, int threads, int first, int count,
                       const float *x, float *out)
{
    return cadenza_experts(inner, threads, count, l->top_k, l->experts, l->in, l->width, x,
                           l->shares + first * l->top_k, l->chosen + first * l->top_k, l->weights, l->scales, l->bias,
                           l->down_blocks, l->down_scales, l->down_bias, l->bias_is_bf16, 7.0f, 1.702f, out);
}

static void experts(struct layer *l, int wide)
{
    l->run = run_experts;
    l->tokens = few_or_many(), l->in = l->out = wide ? 2880 : 32 * from_to(1, 6), l->width = 32 * from_to(1, 6);
    l->experts = from_to(1, 8), l->top_k = from_to(1, l->experts < 4 ? l->experts : 4);
    size_t up_rows = (size_t)l->experts * 2 * l->width, down_rows = (size_t)l->experts * l->out;
    l->weights = bytes(up_rows * l->in / 2, 0, 255), l->scales = bytes(up_rows * l->in / 32, 117, 122);
    l->down_blocks = bytes(down_rows * l->width / 2, 0, 255);
    l->down_scales = bytes(down_rows * l->width / 32, 117, 122);
    l->bias_is_bf16 = from_to(0, 1);
    l->bias = l->bias_is_bf16 ? (void *)bfloat16s(up_rows) : floats(up_rows);
    l->down_bias = l->bias_is_bf16 ? (void *)bfloat16s(down_rows) : floats(down_rows);
    l->shares = floats((size_t)l->tokens * l->top_k);
    int64_t *chosen = take((size_t)l->tokens * l->top_k * sizeof *chosen);
    for (int t = 0; t < l->tokens; t++)
        for (int k = 0, one = from_to(0, l->experts - 1); k < l->top_k; k++)
            chosen[t * l->top_k + k] = (one + k) % l->experts;
    l->chosen = chosen;
    snprintf(l->shape, sizeof l->shape, "%d tokens, %d of %d experts, hidden %d, width %d", l->tokens, l->top_k,
             l->experts, l->in, l->width);
}

static int run_attention(const struct layer *l, const struct inner *inner, int threads, int first, int count,
                         const float *x, float *out)
{
    int64_t runs[SEQUENCES][5];
    int sequences = 0;
    for (int s = 0; s < l->sequences; s++) {
        int64_t start = l->runs[s][0], end = start + l->runs[s][1], keys = l->runs[s][2];
        int64_t from = first > start ? first : start, to = first + count < end ? first + count : end;
        if (from < to) {
            const int64_t run[5] = {from - first, to - from, keys - (end - to), l->runs[s][3], l->runs[s][4]};
            memcpy(runs[sequences++], run, sizeof run);
        }
    }
    /* keys and values lie side by side: [pages, kv_heads, page, 2, head_dim] */
    const long q_stride[2] = {l->in, l->head_dim};
    const long stride[3] = {(long)l->kv_heads * l->page * 2 * l->head_dim, (long)l->page * 2 * l->head_dim,
                            2 * l->head_dim};
    return cadenza_attention(inner, threads, sequences, l->heads, l->kv_heads, l->head_dim, l->page,
                             (const int64_t(*)[5])runs, l->table, x, q_stride, l->cache, stride,
                             l->cache + l->head_dim, stride, l->sinks, l->window, 0.125f, out);
}

static void attention(struct layer *l, int wide)
{
    static const int groups[] = {1, 2, 3, 8}, windows[] = {0, 1, 17, 128};
    l->run = run_attention;
    l->kv_heads = from_to(1, 3), l->heads = l->kv_heads * ONE_OF(groups), l->head_dim = wide ? 64 : 16 * from_to(1, 5);
    l->window = ONE_OF(windows), l->page = from_to(1, 80), l->sequences = from_to(1, SEQUENCES);
    l->in = l->out = l->heads * l->head_dim, l->tokens = 0;
    int written = snprintf(l->shape, sizeof l->shape, "%d heads, %d of keys, head_dim %d, window %d, page %d, runs",
                           l->heads, l->kv_heads, l->head_dim, l->window, l->page);
    int64_t pages = 0;
    for (int s = 0; s < l->sequences; s++) { /* pages that no query sees are not there */
        int time = few_or_many(), keys = time + from_to(0, 300), unseen = keys - time - l->window + 1;
        int first_page = l->window && unseen > 0 ? unseen / l->page : 0;
        const int64_t run[5] = {l->tokens, time, keys, pages, first_page};
        memcpy(l->runs[s], run, sizeof run);
        l->tokens += time, pages += (keys - 1) / l->page + 1 - first_page;
        written += snprintf(l->shape + written, sizeof l->shape - written, " %d/%d", time, keys);
    }
    int64_t *table = take(pages * sizeof *table);
    for (int64_t i = 0; i < pages; i++) { /* shuffled as it is made */
        int64_t other = from_to(0, (int)i);
        table[i] = table[other];
        table[other] = i;
    }
    l->table = table;
    l->cache = floats((size_t)pages * l->kv_heads * l->page * 2 * l->head_dim);
    l->sinks = floats(l->heads);
}

/* --- checks ------------------------------------------------------------------------------------------------------- */

static const char *name; /* of the function that is checked */

static void fail(const struct layer *l, const char *format, ...)
{
    va_list given;
    va_start(given, format);
    printf("FAILED: %s, %s: ", name, l->shape);
    vprintf(format, given);
    puts("");
    va_end(given);
    failures++;
}

static float *computed(const struct layer *l, const struct inner *inner, int first, int count, const float *x)
{
    size_t size = (size_t)count * l->out * sizeof(float);
    float *out = memset(take(size), 0xff, size); /* NaN, where nothing is written */
    int failed = l->run(l, inner, THREADS, first, count, x + (size_t)first * l->in, out);
    if (failed)
        fail(l, "returned %d", failed);
    return out;
}

static double relative_error(const float *got, const float *wanted, size_t count)
{
    double off = 0, all = 0;
    for (size_t i = 0; i < count; i++) {
        off += ((double)got[i] - wanted[i]) * ((double)got[i] - wanted[i]);
        all += (double)wanted[i] * wanted[i];
    }
    return sqrt(off / all);
}

static double check(const struct layer *l)
{
    size_t size = l->out * sizeof(float);
    float *x = floats((size_t)l->tokens * l->in), *got = computed(l, neon, 0, l->tokens, x);
    double error = relative_error(got, computed(l, portable, 0, l->tokens, x), (size_t)l->tokens * l->out);
    if (!(error < LIMIT))
        fail(l, "relative error %.1e", error);
    for (int t = 0; t < l->tokens; t++)
        if (memcmp(computed(l, neon, t, 1, x), got + (size_t)t * l->out, size))
            fail(l, "token %d is another one without the others", t);

    int own = from_to(0, l->tokens - 1), shown = 0, alike = 1;
    x[(size_t)own * l->in + from_to(0, l->in - 1)] = NAN;
    float *with = computed(l, neon, 0, l->tokens, x), *there = computed(l, portable, 0, l->tokens, x);
    for (int t = 0; t < l->tokens; t++)
        if (t != own && memcmp(with + (size_t)t * l->out, got + (size_t)t * l->out, size))
            fail(l, "a NaN of token %d changes token %d", own, t);
    for (size_t i = (size_t)own * l->out; i < (size_t)(own + 1) * l->out; i++) {
        shown |= isnan(with[i]);
        alike &= !isnan(with[i]) == !isnan(there[i]);
    }
    if (!shown || !alike)
        fail(l, "a NaN of token %d %s", own, shown ? "shows elsewhere than in portable C" : "does not show");
    return error;
}

int main(void)
{
    static const struct {
        const char *name;
        void (*draw)(struct layer *l, int wide);
    } functions[] = {
        {"linear", linear}, {"int8_linear", int8_linear}, {"experts", experts}, {"attention", attention}};
    neon = cadenza_find("neon"), portable = cadenza_find("portable");
    if (!neon || !portable) {
        printf("FAILED: cadenza_find knows no %s\n", neon ? "portable" : "neon");
        return 1;
    }
    for (int f = 0; f < LENGTH(functions); f++) {
        double most = 0;
        name = functions[f].name;
        for (int i = 0; i < SHAPES; i++) {
            struct layer l = {0};
            taken = 0;
            functions[f].draw(&l, i % 8 == 7);
            double error = check(&l);
            most = error > most ? error : most;
        }
        printf("%s: %d shapes, relative error %.1e at most\n", name, SHAPES, most);
        fflush(stdout);
    }
    return failures != 0;
}
