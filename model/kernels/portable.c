/* Plain C: what any little-endian machine can do, and the operations' meaning spelt out. */

#include "inner.h"

#include <string.h>

enum { LANES = 4, MX_ROW_TOKENS = 2, MX_TOKENS = 4, BF16_TOKENS = 2, INT8_TOKENS = 1, COLUMNS = 2 };
enum { BYTE_OFFSET = 0 };
typedef struct {
    float at[4];
} vf;
typedef struct {
    int32_t at[4];
} vi;

#define OP static inline __attribute__((always_inline))
#define LANE for (int i = 0; i < 4; i++)

OP vf f_set(float x) { return (vf){{x, x, x, x}}; }
OP vf f_zero(void) { return f_set(0); }

OP vf f_load(const float *p)
{
    vf x;
    memcpy(&x, p, sizeof x);
    return x;
}

OP void f_store(float *p, vf x) { memcpy(p, &x, sizeof x); }

OP vf f_add(vf a, vf b)
{
    LANE a.at[i] += b.at[i];
    return a;
}

OP vf f_mul(vf a, vf b)
{
    LANE a.at[i] *= b.at[i];
    return a;
}

OP vf f_max(vf a, vf b)
{
    LANE a.at[i] = a.at[i] > b.at[i] ? a.at[i] : b.at[i];
    return a;
}

OP vf f_fma(vf a, vf b, vf c) { return f_add(f_mul(a, b), c); }
OP float f_sum(vf x) { return (x.at[0] + x.at[1]) + (x.at[2] + x.at[3]); }

OP vf f_bf16(const uint16_t *p)
{
    vf x;
    LANE
    {
        uint32_t bits = (uint32_t)p[i] << 16;
        memcpy(&x.at[i], &bits, 4);
    }
    return x;
}

OP vi i_zero(void) { return (vi){{0, 0, 0, 0}}; }

OP vi i_load(const void *p)
{
    vi x;
    memcpy(&x, p, sizeof x);
    return x;
}

OP vi i_int8(const int8_t *p)
{
    int16_t wide[8];
    for (int i = 0; i < 8; i++)
        wide[i] = p[i];
    return i_load(wide);
}

OP void i_store(void *p, vi x) { memcpy(p, &x, sizeof x); }

OP vf i_float(vi x)
{
    vf wide;
    LANE wide.at[i] = (float)x.at[i];
    return wide;
}

OP vi i_shift(vi x, int bits)
{
    uint16_t words[8];
    memcpy(words, &x, sizeof x);
    for (int i = 0; i < 8; i++)
        words[i] = (uint16_t)(words[i] >> bits);
    return i_load(words);
}

OP vi i_madd(vi a, vi b, vi c)
{
    int16_t left[8], right[8];
    memcpy(left, &b, sizeof b);
    memcpy(right, &c, sizeof c);
    LANE a.at[i] += left[2 * i] * right[2 * i] + left[2 * i + 1] * right[2 * i + 1];
    return a;
}

OP vi i_pair(const int16_t *p)
{
    vi x;
    LANE memcpy(&x.at[i], p, 4);
    return x;
}

OP vi i_some(const uint8_t *p, int bytes)
{
    (void)bytes; /* one group fills a vector */
    return i_load(p);
}

OP vi i_codes(vi x)
{
    static const int16_t table[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};
    uint16_t words[8];
    memcpy(words, &x, sizeof x);
    for (int i = 0; i < 8; i++)
        words[i] = (uint16_t)table[words[i] & 15];
    return i_load(words);
}

OP vi i_bytes(vi x)
{
    static const int8_t table[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};
    uint8_t bytes[16];
    memcpy(bytes, &x, sizeof x);
    for (int i = 0; i < 16; i++)
        bytes[i] = (uint8_t)table[bytes[i] & 15];
    return i_load(bytes);
}

OP vi i_dot(vi even, vi odd, const int8_t *p)
{
    int8_t e[16], o[16];
    vi sum = i_zero();
    memcpy(e, &even, sizeof e);
    memcpy(o, &odd, sizeof o);
    for (int i = 0; i < 16; i++)
        sum.at[i / 4] += e[i] * (256 * p[i] + p[32 + i]) + o[i] * (256 * p[16 + i] + p[48 + i]);
    return sum;
}

OP vi i_sub(vi a, vi b)
{
    LANE a.at[i] -= b.at[i];
    return a;
}

OP vi i_sums(vi a, vi b, vi c, vi d)
{
    const vi of[4] = {a, b, c, d};
    LANE a.at[i] = of[i].at[0] + of[i].at[1] + of[i].at[2] + of[i].at[3];
    return a;
}

OP vf f_four_exponents(const uint8_t *p, size_t stride, int count)
{
    (void)count;
    vf scales;
    LANE
    {
        uint32_t bits = (uint32_t)p[i * stride] << 23;
        memcpy(&scales.at[i], &bits, 4);
    }
    return scales;
}

OP void i_rows(const uint8_t *p, size_t stride, vi *out)
{
    for (int row = 0; row < 4; row++)
        for (int part = 0; part < 4; part++)
            memcpy(&out[part].at[row], p + row * stride + 4 * part, 4);
}

#include "loops.h"

static int works(void) { return 1; }

const struct inner cadenza_portable = INNER("portable");
