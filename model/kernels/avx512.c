/* AVX-512 with VBMI and VNNI: Intel from Ice Lake, AMD from Zen 4. */

#include "inner.h"

#if defined(__x86_64__)

#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,fma"))), \
                             apply_to = function)
#else
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,fma,prefer-vector-width=512")
#endif

enum { LANES = 16, MX_ROW_TOKENS = 2, MX_TOKENS = 12, BF16_TOKENS = 6, INT8_TOKENS = 2, COLUMNS = 4 };
enum { BYTE_OFFSET = 12 };
typedef __m512 vf;
typedef __m512i vi;

#define OP static inline __attribute__((always_inline))

OP vf f_zero(void) { return _mm512_setzero_ps(); }
OP vf f_set(float x) { return _mm512_set1_ps(x); }
OP vf f_load(const float *p) { return _mm512_loadu_ps(p); }
OP void f_store(float *p, vf x) { _mm512_storeu_ps(p, x); }
OP vf f_add(vf a, vf b) { return _mm512_add_ps(a, b); }
OP vf f_mul(vf a, vf b) { return _mm512_mul_ps(a, b); }
OP vf f_max(vf a, vf b) { return _mm512_max_ps(a, b); }
OP vf f_fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }
OP float f_sum(vf x) { return _mm512_reduce_add_ps(x); }

OP vf f_bf16(const uint16_t *p)
{
    __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)p));
    return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}

OP vi i_zero(void) { return _mm512_setzero_si512(); }
OP vi i_load(const void *p) { return _mm512_loadu_si512(p); }
OP vi i_int8(const int8_t *p) { return _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)p)); }
OP void i_store(void *p, vi x) { _mm512_storeu_si512(p, x); }
OP vf i_float(vi x) { return _mm512_cvtepi32_ps(x); }
OP vi i_madd(vi a, vi b, vi c) { return _mm512_dpwssd_epi32(a, b, c); }
#define i_shift(x, bits) _mm512_srli_epi16(x, bits)

OP vi i_pair(const int16_t *p)
{
    int pair;
    __builtin_memcpy(&pair, p, 4);
    return _mm512_set1_epi32(pair);
}

OP vi i_some(const uint8_t *p, int bytes)
{
    return bytes == 64 ? i_load(p) : _mm512_maskz_loadu_epi8(~(~0ull << bytes), p);
}

OP vi i_codes(vi x)
{
    /* vpermw looks at five bits; the second half of the table makes the fifth one harmless. */
    const vi table = _mm512_set_epi16(-12, -8, -6, -4, -3, -2, -1, 0, 12, 8, 6, 4, 3, 2, 1, 0, -12, -8, -6, -4, -3, -2,
                                      -1, 0, 12, 8, 6, 4, 3, 2, 1, 0);
    return _mm512_permutexvar_epi16(x, table);
}

OP vi i_bytes(vi x)
{
    /* vpermb looks at six bits; four times the table makes the other two harmless. */
    const vi table = _mm512_set4_epi32(0x00040608, 0x090a0b0c, 0x18141210, 0x0f0e0d0c);
    return _mm512_permutexvar_epi8(x, table);
}

OP vi i_dot(vi even, vi odd, const int8_t *p)
{
    vi high = _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(i_zero(), even, i_load(p)), odd, i_load(p + 64));
    vi sum = _mm512_dpbusd_epi32(_mm512_slli_epi32(high, 8), even, i_load(p + 128));
    return _mm512_dpbusd_epi32(sum, odd, i_load(p + 192));
}

OP vi i_sub(vi a, vi b) { return _mm512_sub_epi32(a, b); }

OP vi i_sums(vi a, vi b, vi c, vi d)
{
    vi ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
    vi cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
    return _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
}

OP int four_bytes(const uint8_t *p, int count)
{
    int bytes = 0;
    if (count == 4)
        __builtin_memcpy(&bytes, p, 4);
    else
        for (int i = 0; i < count; i++)
            bytes |= p[i] << 8 * i;
    return bytes;
}

OP vf f_four_exponents(const uint8_t *p, size_t stride, int count)
{
    __m128i rows = _mm_setr_epi32(four_bytes(p, count), four_bytes(p + stride, count), four_bytes(p + 2 * stride, count),
                                  four_bytes(p + 3 * stride, count));
    __m128i groups = _mm_shuffle_epi8(rows, _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu8_epi32(groups), 23));
}

OP __m512i four_rows(const uint8_t *p, size_t stride) /* sixteen bytes of the rows 0, 4, 8 and 12 */
{
    __m512i rows = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)p));
    rows = _mm512_inserti32x4(rows, _mm_loadu_si128((const __m128i *)(p + 4 * stride)), 1);
    rows = _mm512_inserti32x4(rows, _mm_loadu_si128((const __m128i *)(p + 8 * stride)), 2);
    return _mm512_inserti32x4(rows, _mm_loadu_si128((const __m128i *)(p + 12 * stride)), 3);
}

OP void i_rows(const uint8_t *p, size_t stride, vi *out)
{
    vi a = four_rows(p, stride), b = four_rows(p + stride, stride), c = four_rows(p + 2 * stride, stride),
       d = four_rows(p + 3 * stride, stride);
    vi ab = _mm512_unpacklo_epi32(a, b), cd = _mm512_unpacklo_epi32(c, d);
    out[0] = _mm512_unpacklo_epi64(ab, cd);
    out[1] = _mm512_unpackhi_epi64(ab, cd);
    ab = _mm512_unpackhi_epi32(a, b), cd = _mm512_unpackhi_epi32(c, d);
    out[2] = _mm512_unpacklo_epi64(ab, cd);
    out[3] = _mm512_unpackhi_epi64(ab, cd);
}

#include "loops.h"

static int works(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vnni");
}

const struct inner cadenza_avx512 = INNER("avx512");

#if defined(__clang__)
#pragma clang attribute pop
#endif

#endif
