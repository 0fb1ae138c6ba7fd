/* NEON, 64-bit ARM. Run under qemu only (`make test-neon`), never timed on hardware. */

#include "inner.h"

#if defined(__aarch64__)

#include <arm_neon.h>

enum { LANES = 4, MX_ROW_TOKENS = 2, MX_TOKENS = 8, BF16_TOKENS = 4, INT8_TOKENS = 2, COLUMNS = 4 };
enum { BYTE_OFFSET = 0 };
typedef float32x4_t vf;
typedef int32x4_t vi;

#define OP static inline __attribute__((always_inline))

OP vf f_zero(void) { return vdupq_n_f32(0); }
OP vf f_set(float x) { return vdupq_n_f32(x); }
OP vf f_load(const float *p) { return vld1q_f32(p); }
OP void f_store(float *p, vf x) { vst1q_f32(p, x); }
OP vf f_add(vf a, vf b) { return vaddq_f32(a, b); }
OP vf f_mul(vf a, vf b) { return vmulq_f32(a, b); }
OP vf f_max(vf a, vf b) { return vmaxq_f32(a, b); }
OP vf f_fma(vf a, vf b, vf c) { return vfmaq_f32(c, a, b); }
OP float f_sum(vf x) { return vaddvq_f32(x); }
OP vf f_bf16(const uint16_t *p) { return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p), 16)); }

OP vi i_zero(void) { return vdupq_n_s32(0); }
OP vi i_load(const void *p) { return vreinterpretq_s32_u8(vld1q_u8(p)); }
OP vi i_int8(const int8_t *p) { return vreinterpretq_s32_s16(vmovl_s8(vld1_s8(p))); }
OP void i_store(void *p, vi x) { vst1q_u8(p, vreinterpretq_u8_s32(x)); }
OP vf i_float(vi x) { return vcvtq_f32_s32(x); }
#define i_shift(x, bits) vreinterpretq_s32_u16(vshrq_n_u16(vreinterpretq_u16_s32(x), bits))

OP vi i_madd(vi a, vi b, vi c)
{
    int16x8_t left = vreinterpretq_s16_s32(b), right = vreinterpretq_s16_s32(c);
    int32x4_t low = vmull_s16(vget_low_s16(left), vget_low_s16(right));
    return vaddq_s32(a, vpaddq_s32(low, vmull_high_s16(left, right)));
}

OP vi i_pair(const int16_t *p)
{
    int pair;
    __builtin_memcpy(&pair, p, 4);
    return vdupq_n_s32(pair);
}

OP vi i_some(const uint8_t *p, int bytes)
{
    (void)bytes; /* one group fills a vector */
    return i_load(p);
}

OP vi i_codes(vi x)
{
    static const int8_t table[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};
    uint8x16_t low = vandq_u8(vreinterpretq_u8_s32(x), vreinterpretq_u8_u16(vdupq_n_u16(15)));
    int16x8_t bytes = vreinterpretq_s16_s8(vqtbl1q_s8(vld1q_s8(table), low));
    return vreinterpretq_s32_s16(vshrq_n_s16(vshlq_n_s16(bytes, 8), 8));
}

OP vi i_bytes(vi x)
{
    static const int8_t table[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};
    return vreinterpretq_s32_s8(vqtbl1q_s8(vld1q_s8(table), vandq_u8(vreinterpretq_u8_s32(x), vdupq_n_u8(15))));
}

OP int16x8_t products(int8x16_t even, int8x16_t odd, const int8_t *p, const int8_t *q)
{
    int8x16_t a = vld1q_s8(p), b = vld1q_s8(q);
    int16x8_t sums = vmlal_high_s8(vmull_s8(vget_low_s8(even), vget_low_s8(a)), even, a);
    return vmlal_high_s8(vmlal_s8(sums, vget_low_s8(odd), vget_low_s8(b)), odd, b);
}

OP vi i_dot(vi even, vi odd, const int8_t *p) /* no sum of four products reaches 2**15: 12 * 128 * 4 */
{
    int8x16_t e = vreinterpretq_s8_s32(even), o = vreinterpretq_s8_s32(odd);
    return vpadalq_s16(vshlq_n_s32(vpaddlq_s16(products(e, o, p, p + 16)), 8), products(e, o, p + 32, p + 48));
}

OP vi i_sub(vi a, vi b) { return vsubq_s32(a, b); }

OP vi i_sums(vi a, vi b, vi c, vi d) { return vpaddq_s32(vpaddq_s32(a, b), vpaddq_s32(c, d)); }

OP vf f_four_exponents(const uint8_t *p, size_t stride, int count)
{
    (void)count;
    const uint32_t bytes[4] = {p[0], p[stride], p[2 * stride], p[3 * stride]};
    return vreinterpretq_f32_u32(vshlq_n_u32(vld1q_u32(bytes), 23));
}

OP void i_rows(const uint8_t *p, size_t stride, vi *out)
{
    vi a = i_load(p), b = i_load(p + stride), c = i_load(p + 2 * stride), d = i_load(p + 3 * stride);
    int64x2_t ab = vreinterpretq_s64_s32(vzip1q_s32(a, b)), cd = vreinterpretq_s64_s32(vzip1q_s32(c, d));
    out[0] = vreinterpretq_s32_s64(vzip1q_s64(ab, cd));
    out[1] = vreinterpretq_s32_s64(vzip2q_s64(ab, cd));
    ab = vreinterpretq_s64_s32(vzip2q_s32(a, b)), cd = vreinterpretq_s64_s32(vzip2q_s32(c, d));
    out[2] = vreinterpretq_s32_s64(vzip1q_s64(ab, cd));
    out[3] = vreinterpretq_s32_s64(vzip2q_s64(ab, cd));
}

#include "loops.h"

static int works(void) { return 1; }

const struct inner cadenza_neon = INNER("neon");

#endif
