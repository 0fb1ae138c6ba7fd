/* AVX2 and FMA: Intel from Haswell, AMD from Zen. */

#include "inner.h"

#if defined(__x86_64__)

#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC target("avx2,fma")
#endif

enum { LANES = 8, MX_ROW_TOKENS = 2, MX_TOKENS = 4, BF16_TOKENS = 2, INT8_TOKENS = 1, COLUMNS = 2 };
enum { BYTE_OFFSET = 12 };
typedef __m256 vf;
typedef __m256i vi;

#define OP static inline __attribute__((always_inline))

OP vf f_zero(void) { return _mm256_setzero_ps(); }
OP vf f_set(float x) { return _mm256_set1_ps(x); }
OP vf f_load(const float *p) { return _mm256_loadu_ps(p); }
OP void f_store(float *p, vf x) { _mm256_storeu_ps(p, x); }
OP vf f_add(vf a, vf b) { return _mm256_add_ps(a, b); }
OP vf f_mul(vf a, vf b) { return _mm256_mul_ps(a, b); }
OP vf f_max(vf a, vf b) { return _mm256_max_ps(a, b); }
OP vf f_fma(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); }

OP float f_sum(vf x)
{
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

OP vf f_bf16(const uint16_t *p)
{
    __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p));
    return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
}

OP vi i_zero(void) { return _mm256_setzero_si256(); }
OP vi i_load(const void *p) { return _mm256_loadu_si256(p); }
OP vi i_int8(const int8_t *p) { return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)p)); }
OP void i_store(void *p, vi x) { _mm256_storeu_si256(p, x); }
OP vf i_float(vi x) { return _mm256_cvtepi32_ps(x); }
OP vi i_madd(vi a, vi b, vi c) { return _mm256_add_epi32(a, _mm256_madd_epi16(b, c)); }
#define i_shift(x, bits) _mm256_srli_epi16(x, bits)

OP vi i_pair(const int16_t *p)
{
    int pair;
    __builtin_memcpy(&pair, p, 4);
    return _mm256_set1_epi32(pair);
}

OP vi i_some(const uint8_t *p, int bytes)
{
    return bytes == 32 ? i_load(p) : _mm256_zextsi128_si256(_mm_loadu_si128((const __m128i *)p));
}

OP vi i_codes(vi x)
{
    /* vpshufb gives the low byte of each int16; code 0 of the high byte gives 0. Two shifts extend the sign. */
    const vi table = _mm256_set_epi8(-12, -8, -6, -4, -3, -2, -1, 0, 12, 8, 6, 4, 3, 2, 1, 0, -12, -8, -6, -4, -3, -2,
                                     -1, 0, 12, 8, 6, 4, 3, 2, 1, 0);
    vi bytes = _mm256_shuffle_epi8(table, _mm256_and_si256(x, _mm256_set1_epi16(15)));
    return _mm256_srai_epi16(_mm256_slli_epi16(bytes, 8), 8);
}

OP vi i_bytes(vi x)
{
    const vi table = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0));
    return _mm256_shuffle_epi8(table, _mm256_and_si256(x, _mm256_set1_epi8(15)));
}

OP vi i_dot(vi even, vi odd, const int8_t *p) /* no sum of four products reaches 2**15: 24 * 128 * 4 */
{
    vi high = _mm256_add_epi16(_mm256_maddubs_epi16(even, i_load(p)), _mm256_maddubs_epi16(odd, i_load(p + 32)));
    vi low = _mm256_add_epi16(_mm256_maddubs_epi16(even, i_load(p + 64)), _mm256_maddubs_epi16(odd, i_load(p + 96)));
    return _mm256_add_epi32(_mm256_madd_epi16(high, _mm256_set1_epi16(256)), _mm256_madd_epi16(low, _mm256_set1_epi16(1)));
}

OP vi i_sub(vi a, vi b) { return _mm256_sub_epi32(a, b); }

OP vi i_sums(vi a, vi b, vi c, vi d) { return _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d)); }

OP short two_bytes(const uint8_t *p, int count)
{
    short bytes = p[0];
    if (count == 2)
        __builtin_memcpy(&bytes, p, 2);
    return bytes;
}

OP vf f_four_exponents(const uint8_t *p, size_t stride, int count)
{
    __m128i rows = _mm_setr_epi16(two_bytes(p, count), two_bytes(p + stride, count), two_bytes(p + 2 * stride, count),
                                  two_bytes(p + 3 * stride, count), 0, 0, 0, 0);
    __m128i groups = _mm_shuffle_epi8(rows, _mm_setr_epi8(0, 2, 4, 6, 1, 3, 5, 7, 8, 8, 8, 8, 8, 8, 8, 8));
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu8_epi32(groups), 23));
}

OP vi two_rows(const uint8_t *p, size_t stride) /* sixteen bytes of the rows 0 and 4 */
{
    return _mm256_loadu2_m128i((const __m128i *)(p + 4 * stride), (const __m128i *)p);
}

OP void i_rows(const uint8_t *p, size_t stride, vi *out)
{
    vi a = two_rows(p, stride), b = two_rows(p + stride, stride), c = two_rows(p + 2 * stride, stride),
       d = two_rows(p + 3 * stride, stride);
    vi ab = _mm256_unpacklo_epi32(a, b), cd = _mm256_unpacklo_epi32(c, d);
    out[0] = _mm256_unpacklo_epi64(ab, cd);
    out[1] = _mm256_unpackhi_epi64(ab, cd);
    ab = _mm256_unpackhi_epi32(a, b), cd = _mm256_unpackhi_epi32(c, d);
    out[2] = _mm256_unpacklo_epi64(ab, cd);
    out[3] = _mm256_unpackhi_epi64(ab, cd);
}

#include "loops.h"

static int works(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

const struct inner cadenza_avx2 = INNER("avx2");

#if defined(__clang__)
#pragma clang attribute pop
#endif

#endif
