/* The loops of `struct inner`, written once. A file for a set of instructions defines the operations below, includes
 * this, and the compiler makes its loops of them.
 *
 * LANES: float32 of a vector, and 32-bit integers, each also two int16.    MX_ROW_TOKENS, MX_TOKENS, BF16_TOKENS,
 * INT8_TOKENS: of a tile, such that its sums stay in registers.    COLUMNS: vectors of a tile of `multiply`.
 *
 * vf: f_zero f_set f_load f_store f_add f_mul f_max f_fma f_sum    f_bf16 (LANES bfloat16 -> float32)
 * vi: i_zero i_load i_store i_pair (one 32-bit number in all lanes)    i_float
 *     i_int8 (2 * LANES int8 -> as many int16)    i_some (some bytes, then zeros)    i_shift (each int16 right by a constant, zeros come in)
 *     i_codes (low four bits of each int16 -> twice the value of E2M1)
 *     i_madd (a + the sums of neighbouring products b c: int16 -> int32)
 *     i_rows (sixteen bytes of each of LANES rows -> four vectors, the first has the rows' first four bytes)
 *     i_bytes (low four bits of each byte -> a byte, twice the value of E2M1 + BYTE_OFFSET)
 *     i_dot (bytes of even and of odd elements, and activations, as in `struct quantised` -> sums of products, somehow
 *     spread over the group's quarter of LANES / GROUPS)    i_sub
 *     i_sums (four vectors -> in each quarter of LANES / GROUPS, the sums of their same quarters)
 * f_four_exponents: of four rows at a distance, GROUPS bytes each, or some of them -> 2 ** (byte - 127), placed so
 */

#include <math.h>
#include <string.h>

#include "inner.h"

#define INLINE static inline __attribute__((always_inline))
#define EACH(i, count) _Pragma("GCC unroll 16") for (int i = 0; i < (count); i++)

enum { ROWS = 4 }; /* of a tile */
enum { GROUPS = LANES / 4, PHASE = 8 * GROUPS, BYTES = LANES * 4 }; /* groups of a vector; int16 of a phase; bytes */

INLINE uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, 4);
    return bits;
}

INLINE float float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, 4);
    return x;
}

/* Adding 1.5 * 2**23 rounds to a whole number and leaves it in the low bits. */
#define ROUNDER 12582912.0f

/* exp(x) within 2 units of the last place; 0 below -87. Cephes' expf: 2**n * exp(r), |r| <= ln 2 / 2. */
INLINE float exponential(float x)
{
    float bounded = x < -87.0f ? -87.0f : x > 88.0f ? 88.0f : x;
    float shifted = bounded * 1.44269504f + ROUNDER, n = shifted - ROUNDER;
    float r = bounded - n * 0.693359375f - n * -2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    float result = float_of(bits_of(p) + (bits_of(shifted) << 23));
    return x < -87.0f ? 0.0f : result;
}

#define MOST 32639.0f /* of the int16: see inner.h */

/* What one unit of the int16 stands for, and what brings x to them. A NaN or an infinity makes the unit NaN. */
INLINE float unit_of(const float *x, size_t count, float *factor)
{
    float most = 0, poison = 0;
    for (size_t i = 0; i < count; i++) {
        float size = fabsf(x[i]);
        most = size > most ? size : most;
        poison += x[i] * 0.0f;
    }
    *factor = most > 1e-30f ? MOST / most : 0.0f;
    return most / MOST + poison;
}

static void quantise(const float *x, size_t group, struct quantised to)
{
    float factor, unit = unit_of(x, GROUP, &factor);
    int16_t q[GROUP];
    int32_t sum = 0;
    for (int i = 0; i < GROUP; i++) {
        q[i] = (int16_t)bits_of(x[i] * factor + ROUNDER);
        sum += q[i];
    }
    int16_t *values = to.values + group / GROUPS * GROUPS * GROUP + group % GROUPS * 8;
    for (int phase = 0; phase < 4; phase++)
        for (int i = 0; i < 8; i++)
            values[phase * PHASE + i] = q[4 * i + phase];
    int8_t *bytes = to.bytes + group / GROUPS * 4 * BYTES + group % GROUPS * GROUP_BYTES;
    for (int odd = 0; odd < 2; odd++)
        for (int i = 0; i < GROUP_BYTES; i++) {
            int value = q[2 * i + odd], low = (int8_t)value;
            bytes[odd * BYTES + i] = (int8_t)((value - low) / 256);
            bytes[(2 + odd) * BYTES + i] = (int8_t)low;
        }
    for (int i = 0; i < 4; i++) {
        to.sums[4 * group + i] = BYTE_OFFSET * sum;
        to.scales[4 * group + i] = 0.5f * unit;
    }
}

/* --- MXFP4, few tokens: along the rows ---------------------------------------------------------------------------- */

/* Memory is asked for the rows that come ROWS later: the processor does not guess that, as a row is so short. */
INLINE void mx_step(struct mx m, size_t row, size_t g, int count, const struct quantised *x, int tokens,
                    vf *totals)
{
    vi sums[ROWS][MX_ROW_TOKENS];
    EACH(r, ROWS) {
        size_t at = (row + r) * m.groups + g, later = at + ROWS * m.groups;
        __builtin_prefetch(m.blocks + later * GROUP_BYTES, 0, 2);
        __builtin_prefetch(m.scales + later, 0, 2);
        vi codes = i_some(m.blocks + at * GROUP_BYTES, count * GROUP_BYTES);
        vi even = i_bytes(codes), odd = i_bytes(i_shift(codes, 4));
        EACH(t, tokens) sums[r][t] = i_dot(even, odd, x[t].bytes + g * 2 * GROUP);
    }
    vf scale = f_four_exponents(m.scales + row * m.groups + g, m.groups, count);
    EACH(t, tokens)
        totals[t] = f_fma(i_float(i_sub(i_sums(sums[0][t], sums[1][t], sums[2][t], sums[3][t]),
                                        i_load(x[t].sums + 4 * g))),
                          f_mul(scale, f_load(x[t].scales + 4 * g)), totals[t]);
}

INLINE void mx_row_tile(struct mx m, size_t row, const struct quantised *x, int tokens, float *out, size_t stride)
{
    vf totals[MX_ROW_TOKENS]; /* of ROWS rows, for each of the groups that a vector has */
    EACH(t, tokens) totals[t] = f_zero();
    size_t g = 0;
    for (; g + GROUPS <= m.groups; g += GROUPS)
        mx_step(m, row, g, GROUPS, x, tokens, totals);
    if (g < m.groups)
        mx_step(m, row, g, (int)(m.groups - g), x, tokens, totals);
    EACH(t, tokens) {
        float lanes[LANES];
        f_store(lanes, totals[t]);
        EACH(r, ROWS) {
            float sum = lanes[r];
            EACH(other, GROUPS - 1) sum += lanes[(other + 1) * ROWS + r];
            out[t * stride + r] = sum;
        }
    }
}

static void mx_rows(struct mx m, size_t row, int count, const struct quantised *x, int tokens, float *out,
                    size_t stride)
{
    for (int r = 0; r < count; r += ROWS) {
        int t = 0;
        for (; t + MX_ROW_TOKENS <= tokens; t += MX_ROW_TOKENS)
            mx_row_tile(m, row + r, x + t, MX_ROW_TOKENS, out + t * stride + r, stride);
        for (; t < tokens; t++)
            mx_row_tile(m, row + r, x + t, 1, out + t * stride + r, stride);
    }
}

/* --- MXFP4, many tokens: across LANES rows ------------------------------------------------------------------------ */

static void mx_unpack(struct mx m, size_t row, int16_t *panel, float *scales)
{
    for (size_t g = 0; g < m.groups; g++) {
        vi bytes[4];
        i_rows(m.blocks + (row * m.groups + g) * GROUP_BYTES, m.groups * GROUP_BYTES, bytes);
        EACH(part, 4) {
            i_store(panel + (0 + part) * 2 * LANES, i_codes(bytes[part]));
            i_store(panel + (4 + part) * 2 * LANES, i_codes(i_shift(bytes[part], 4)));
            i_store(panel + (8 + part) * 2 * LANES, i_codes(i_shift(bytes[part], 8)));
            i_store(panel + (12 + part) * 2 * LANES, i_codes(i_shift(bytes[part], 12)));
        }
        panel += GROUP * LANES;
    }
    for (int r = 0; r < LANES; r++)
        for (size_t g = 0; g < m.groups; g++)
            scales[g * LANES + r] = float_of((uint32_t)m.scales[(row + r) * m.groups + g] << 23);
}

INLINE void mx_panel_tile(const int16_t *panel, const float *scales, size_t groups, const struct quantised *x,
                          int tokens, float *out, size_t stride)
{
    for (size_t first = 0; first < GROUPS; first++) { /* every GROUPS-th group, as in mx_row_tile */
        vf sums[MX_TOKENS];
        EACH(t, tokens) sums[t] = f_zero();
        for (size_t g = first; g < groups; g += GROUPS) {
            size_t place = g / GROUPS * GROUPS * GROUP + g % GROUPS * 8;
            vi group[MX_TOKENS];
            EACH(t, tokens) group[t] = i_zero();
            EACH(pair, 16) {
                vi weights = i_load(panel + g * GROUP * LANES + pair * 2 * LANES);
                EACH(t, tokens)
                    group[t] = i_madd(group[t], weights, i_pair(x[t].values + place + pair / 4 * PHASE + pair % 4 * 2));
            }
            vf scale = f_load(scales + g * LANES);
            EACH(t, tokens)
                sums[t] = f_fma(i_float(group[t]), f_mul(scale, f_set(x[t].scales[4 * g])), sums[t]);
        }
        EACH(t, tokens)
            f_store(out + t * stride, first == 0 ? sums[t] : f_add(f_load(out + t * stride), sums[t]));
    }
}

static void mx_panel(const int16_t *panel, const float *scales, size_t groups, const struct quantised *x, int tokens,
                     float *out, size_t stride)
{
    int t = 0;
    for (; t + MX_TOKENS <= tokens; t += MX_TOKENS)
        mx_panel_tile(panel, scales, groups, x + t, MX_TOKENS, out + t * stride, stride);
    for (; t + MX_TOKENS / 2 <= tokens; t += MX_TOKENS / 2)
        mx_panel_tile(panel, scales, groups, x + t, MX_TOKENS / 2, out + t * stride, stride);
    for (; t < tokens; t++)
        mx_panel_tile(panel, scales, groups, x + t, 1, out + t * stride, stride);
}

/* --- bfloat16 ----------------------------------------------------------------------------------------------------- */

/* A row's sum is made in the same order however many tokens there are: every STREAMS-th vector, these four one after
 * another, then what is left. So a token's result never depends on the others. */
enum { STREAMS = 4, SIDE_BY_SIDE = 2, BF16_MANY = 6 };

INLINE float bf16_rest(float sum, const uint16_t *row, size_t from, size_t depth, const float *x)
{
    for (size_t k = from; k < depth; k++)
        sum += float_of((uint32_t)row[k] << 16) * x[k];
    return sum;
}

INLINE void bf16_tile(const uint16_t *weights, size_t depth, int rows, const float *x, int tokens, float *out,
                      size_t stride)
{
    const uint16_t *row[ROWS]; /* those that are not there are the last one once more */
    size_t whole = depth / (STREAMS * LANES) * (STREAMS * LANES);
    vf totals[ROWS][BF16_TOKENS];
    EACH(r, ROWS) {
        row[r] = weights + (r < rows ? r : rows - 1) * depth;
        EACH(t, tokens) totals[r][t] = f_zero();
    }
    for (int stream = 0; stream < STREAMS; stream++) {
        vf sums[ROWS][BF16_TOKENS];
        EACH(r, ROWS)
            EACH(t, tokens) sums[r][t] = f_zero();
        for (size_t k = stream * LANES; k < whole; k += STREAMS * LANES) {
            vf w[ROWS];
            EACH(r, ROWS) w[r] = f_bf16(row[r] + k);
            EACH(t, tokens) {
                vf value = f_load(x + t * depth + k);
                EACH(r, ROWS) sums[r][t] = f_fma(w[r], value, sums[r][t]);
            }
        }
        EACH(r, ROWS)
            EACH(t, tokens) totals[r][t] = f_add(totals[r][t], sums[r][t]);
    }
    for (int t = 0; t < tokens; t++)
        for (int r = 0; r < rows; r++)
            out[t * stride + r] = bf16_rest(f_sum(totals[r][t]), row[r], whole, depth, x + t * depth);
}

/* For few tokens, one after another: `rows` rows at a distance are read side by side, which is what memory is fastest at;
 * neighbours would come from one page, a single row would wait for each new one. */
INLINE void bf16_dots(const uint16_t *weights, size_t depth, size_t distance, int rows, const float *x, float *out)
{
    vf sums[SIDE_BY_SIDE][STREAMS];
    EACH(r, rows)
        EACH(i, STREAMS) sums[r][i] = f_zero();
    size_t k = 0;
    for (; k + STREAMS * LANES <= depth; k += STREAMS * LANES)
        EACH(i, STREAMS) {
            vf value = f_load(x + k + i * LANES);
            EACH(r, rows)
                sums[r][i] = f_fma(f_bf16(weights + r * distance * depth + k + i * LANES), value, sums[r][i]);
        }
    EACH(r, rows) {
        vf total = f_zero();
        EACH(i, STREAMS) total = f_add(total, sums[r][i]);
        out[r * distance] = bf16_rest(f_sum(total), weights + r * distance * depth, k, depth, x);
    }
}

static void bf16_rows(const uint16_t *weights, size_t depth, int count, const float *x, int tokens, float *out,
                      size_t stride)
{
    int t = 0;
    if (tokens < BF16_MANY) {
        int distance = count / SIDE_BY_SIDE, r = 0;
        for (; r < distance; r++)
            for (t = 0; t < tokens; t++)
                bf16_dots(weights + r * depth, depth, distance, SIDE_BY_SIDE, x + t * depth, out + t * stride + r);
        for (r *= SIDE_BY_SIDE; r < count; r++)
            for (t = 0; t < tokens; t++)
                bf16_dots(weights + r * depth, depth, 1, 1, x + t * depth, out + t * stride + r);
        return;
    }
    for (; t + BF16_TOKENS <= tokens; t += BF16_TOKENS)
        for (int r = 0; r < count; r += ROWS)
            bf16_tile(weights + r * depth, depth, count - r < ROWS ? count - r : ROWS, x + t * depth, BF16_TOKENS,
                      out + t * stride + r, stride);
    for (; t < tokens; t++)
        for (int r = 0; r < count; r += ROWS)
            bf16_tile(weights + r * depth, depth, count - r < ROWS ? count - r : ROWS, x + t * depth, 1,
                      out + t * stride + r, stride);
}

/* --- int8 --------------------------------------------------------------------------------------------------------- */

static float int8_quantise(const float *x, size_t count, int16_t *values)
{
    float factor, unit = unit_of(x, count, &factor);
    for (size_t i = 0; i < count; i++)
        values[i] = (int16_t)bits_of(x[i] * factor + ROUNDER);
    return unit;
}

/* However many tokens there are, a row's sum is made in the same order: a token's result never depends on the others. */
INLINE void int8_tile(struct int8 m, size_t row, int rows, const int16_t *x, int tokens, float *out, size_t stride)
{
    size_t depth = m.groups * INT8_GROUP;
    const int8_t *values[ROWS]; /* rows that are not there are the last one once more */
    const float *scales[ROWS];
    vf sums[ROWS][INT8_TOKENS];
    EACH(r, ROWS) {
        size_t at = row + (r < rows ? r : rows - 1);
        values[r] = m.values + at * depth;
        scales[r] = m.scales + at * m.groups;
        EACH(t, tokens) sums[r][t] = f_zero();
    }
    for (size_t g = 0; g < m.groups; g++) {
        vi group[ROWS][INT8_TOKENS];
        EACH(r, ROWS) {
            __builtin_prefetch(values[r] + g * INT8_GROUP + ROWS * depth, 0, 2);
            EACH(t, tokens) group[r][t] = i_zero();
        }
        EACH(part, INT8_GROUP / (2 * LANES)) {
            size_t k = g * INT8_GROUP + part * 2 * LANES;
            vi w[ROWS];
            EACH(r, ROWS) w[r] = i_int8(values[r] + k);
            EACH(t, tokens) {
                vi value = i_load(x + t * depth + k);
                EACH(r, ROWS) group[r][t] = i_madd(group[r][t], w[r], value);
            }
        }
        EACH(r, ROWS) {
            vf scale = f_set(scales[r][g]);
            EACH(t, tokens) sums[r][t] = f_fma(i_float(group[r][t]), scale, sums[r][t]);
        }
    }
    for (int t = 0; t < tokens; t++)
        for (int r = 0; r < rows; r++)
            out[t * stride + r] = f_sum(sums[r][t]);
}

static void int8_rows(struct int8 m, size_t row, int count, const int16_t *x, int tokens, float *out, size_t stride)
{
    size_t depth = m.groups * INT8_GROUP;
    int t = 0;
    for (; t + INT8_TOKENS <= tokens; t += INT8_TOKENS)
        for (int r = 0; r < count; r += ROWS)
            int8_tile(m, row + r, count - r < ROWS ? count - r : ROWS, x + t * depth, INT8_TOKENS, out + t * stride + r,
                      stride);
    for (; t < tokens; t++)
        for (int r = 0; r < count; r += ROWS)
            int8_tile(m, row + r, count - r < ROWS ? count - r : ROWS, x + t * depth, 1, out + t * stride + r, stride);
}

/* --- the rest ----------------------------------------------------------------------------------------------------- */

static void swiglu(const float *pairs, int count, float limit, float alpha, float *out)
{
    for (int i = 0; i < count; i++) {
        float gate = pairs[2 * i], up = pairs[2 * i + 1];
        gate = gate > limit ? limit : gate;
        up = up > limit ? limit : up < -limit ? -limit : up;
        out[i] = gate / (1.0f + exponential(-alpha * gate)) * (up + 1.0f);
    }
}

INLINE void multiply_tile(int vectors, int depth, const float *a, size_t a_stride, const float *b, size_t b_stride,
                          float *c, size_t c_stride)
{
    vf sums[ROWS][COLUMNS];
    EACH(r, ROWS)
        EACH(v, vectors) sums[r][v] = f_load(c + r * c_stride + v * LANES);
    for (int k = 0; k < depth; k++, b += b_stride)
        EACH(r, ROWS)
            EACH(v, vectors)
                sums[r][v] = f_fma(f_set(a[r * a_stride + k]), f_load(b + v * LANES), sums[r][v]);
    EACH(r, ROWS)
        EACH(v, vectors) f_store(c + r * c_stride + v * LANES, sums[r][v]);
}

static void multiply(int rows, int columns, int depth, const float *a, size_t a_stride, const float *b,
                     size_t b_stride, float *c)
{
    for (int r = 0; r < rows; r += ROWS, a += ROWS * a_stride, c += ROWS * columns) {
        int v = 0;
        for (; v + COLUMNS * LANES <= columns; v += COLUMNS * LANES)
            multiply_tile(COLUMNS, depth, a, a_stride, b + v, b_stride, c + v, columns);
        for (; v < columns; v += LANES)
            multiply_tile(1, depth, a, a_stride, b + v, b_stride, c + v, columns);
    }
}

static float largest(const float *x)
{
    vf most = f_load(x);
    for (int i = LANES; i < KEYS; i += LANES)
        most = f_max(most, f_load(x + i));
    float lanes[LANES], found;
    f_store(lanes, most);
    found = lanes[0];
    for (int i = 1; i < LANES; i++)
        found = lanes[i] > found ? lanes[i] : found;
    return found;
}

static float exponentials(float *x, float most)
{
    for (int i = 0; i < KEYS; i++)
        x[i] = exponential(x[i] - most);
    vf sum = f_zero();
    for (int i = 0; i < KEYS; i += LANES)
        sum = f_add(sum, f_load(x + i));
    return f_sum(sum);
}

#define INNER(name)                                                                                                     \
    {name,      works,         LANES,     quantise, mx_rows,  mx_unpack, mx_panel,                                     \
     bf16_rows, int8_quantise, int8_rows, swiglu,   multiply, largest,   exponentials}
