/* What one set of instructions does: the loops that all time goes into.
 *
 * Activations are float32, or int16 in groups of 32 with a scale each: x = scale * q, the error at most half a step of
 * 1 / 32639 of the group's largest, which is the most that a high and a low int8 hold together: 127 * 256 + 127.
 *
 * Twice a value of MXFP4 is a whole number up to 12; the half is in the activations' scale. Sixteen bytes are a group,
 * and there are two ways to multiply them, which give the same whole numbers:
 *
 * - Many tokens: codes become int16 once for all of them, and pairs of int16 are multiplied (vpdpwssd, vpmaddwd). Seen as
 *   eight 16-bit words, word i of a group has the codes of elements 4i .. 4i + 3, and a shift right by 4p brings element
 *   4i + p to the low bits, where a table look-up turns it into an int16. So activations lie in four phases: `GROUPS`
 *   groups' elements 4i, then their 4i + 1, and so on.
 * - Few tokens: turning codes into numbers is most of the work, and into bytes it is half of it. These are multiplied
 *   with the activations' high bytes and with their low ones, even elements (low halves of the codes' bytes) and odd
 *   ones apart. Where bytes are unsigned (vpdpbusd, vpmaddubsw) 12 is added to each: what that adds to a group's sum is
 *   12 times the sum of its activations, for all rows alike.
 */

#ifndef CADENZA_INNER_H
#define CADENZA_INNER_H

#include <stddef.h>
#include <stdint.h>

enum { GROUP = 32, GROUP_BYTES = 16, INT8_GROUP = 64, KEYS = 64, FEW = 4 };

/* A matrix in MXFP4: `[rows, groups, 16]` bytes and `[rows, groups]` exponents. */
struct mx {
    const uint8_t *blocks, *scales;
    size_t groups;
};

/* A token's activations, padded with zeros to a multiple of four groups. */
struct quantised {
    int16_t *values; /* [groups * 32] in phases */
    int8_t *bytes;   /* [groups / GROUPS, 4, GROUPS * 16]: high bytes of even and odd elements, then the low ones */
    int32_t *sums;   /* [groups, 4], each four times */
    float *scales;   /* [groups, 4], each four times */
};

/* A matrix in int8: `[rows, groups, 64]` and a scale for each group, `[rows, groups]`. */
struct int8 {
    const int8_t *values;
    const float *scales;
    size_t groups;
};

struct inner {
    const char *name;
    int (*works)(void); /* on this machine */
    int lanes;          /* rows of a panel */

    /* One group of a token: 32 numbers of x. */
    void (*quantise)(const float *x, size_t group, struct quantised to);

    /* out[t * stride + r] = row r of `count` . token t, row after row, as they lie in memory: for up to FEW tokens */
    void (*mx_rows)(struct mx matrix, size_t row, int count, const struct quantised *x, int tokens, float *out,
                    size_t stride);

    /* The same for many: `lanes` rows are unpacked side by side, and each is multiplied with all tokens. */
    void (*mx_unpack)(struct mx matrix, size_t row, int16_t *panel, float *scales);
    void (*mx_panel)(const int16_t *panel, const float *scales, size_t groups, const struct quantised *x, int tokens,
                     float *out, size_t stride);

    /* out[t * stride + r] = row r of bfloat16 weights `[count, depth]` . token t of x `[tokens, depth]` */
    void (*bf16_rows)(const uint16_t *weights, size_t depth, int count, const float *x, int tokens, float *out,
                      size_t stride);

    /* A token's activations, as they lie, with one scale, which is returned; and
     * out[t * stride + r] = row r of `count` . token t of x `[tokens, groups, 64]`, still to be multiplied by t's scale */
    float (*int8_quantise)(const float *x, size_t count, int16_t *values);
    void (*int8_rows)(struct int8 matrix, size_t row, int count, const int16_t *x, int tokens, float *out,
                      size_t stride);

    /* out[i] = swiglu(pairs[2i], pairs[2i + 1]) */
    void (*swiglu)(const float *pairs, int count, float limit, float alpha, float *out);

    /* c += a b, row-major, float32; rows a multiple of 4, columns a multiple of 16 */
    void (*multiply)(int rows, int columns, int depth, const float *a, size_t a_stride, const float *b, size_t b_stride,
                     float *c);

    /* Of KEYS numbers: the largest; and x[i] = exp(x[i] - most), which returns their sum */
    float (*largest)(const float *x);
    float (*exponentials)(float *x, float most);
};

extern const struct inner cadenza_portable, cadenza_avx2, cadenza_avx512, cadenza_neon;

#endif
