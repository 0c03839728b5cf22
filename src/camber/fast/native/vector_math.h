/* Elementary functions that a C compiler can vectorise: no branches, no calls, no tables.
 *
 * Each float function is a straight line of arithmetic and selections, so a loop over it becomes
 * vector code under -O3 without -ffast-math: infinities, NaN and the sign of zero are kept.
 * Coefficients are minimax fits (Lawson's iteration, relative error); the tests hold every
 * function to 3 ulp (erfc: 5) against exact values. In double the C library's own are used.
 */
#include <math.h>
#include <stdint.h>
#include <string.h>

static inline float from_bits(int32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline int32_t to_bits(float value) {
    int32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* x = k ln 2 + r with |r| <= ln 2 / 2, exp(x) = 2^k exp(r). The scale is applied in two halves:
 * subnormal results and the overflow to infinity come out right without a branch. */
static inline float camber_expf(float x) {
    float c = x > 89.0f ? 89.0f : x;
    c = c < -104.0f ? -104.0f : c;
    const float shifted = fmaf(c, 0x1.715476p+0f, 0x1.8p+23f);
    const float k = shifted - 0x1.8p+23f;
    const int32_t n = to_bits(shifted) - 0x4B400000;
    float r = fmaf(k, -0x1.62e400p-1f, c);
    r = fmaf(k, -0x1.7f7d1cp-20f, r);
    float p = fmaf(0x1.6db4e4p-10f, r, 0x1.123be0p-7f);
    p = fmaf(p, r, 0x1.55545ep-5f);
    p = fmaf(p, r, 0x1.55548ep-3f);
    p = fmaf(p, r, 0.5f);
    p = fmaf(p * r, r, r) + 1.0f;
    const int32_t half = n >> 1;
    return p * from_bits((half + 127) << 23) * from_bits((n - half + 127) << 23);
}

/* expm1 without cancellation: 2^k (exp(r) - 1) + (2^k - 1), with expm1(r) from the same fit. */
static inline float camber_expm1f(float x) {
    float c = x > 89.0f ? 89.0f : x;
    c = c < -26.0f ? -26.0f : c;
    const float shifted = fmaf(c, 0x1.715476p+0f, 0x1.8p+23f);
    const float k = shifted - 0x1.8p+23f;
    const int32_t n = to_bits(shifted) - 0x4B400000;
    float r = fmaf(k, -0x1.62e400p-1f, c);
    r = fmaf(k, -0x1.7f7d1cp-20f, r);
    float p = fmaf(0x1.6db4e4p-10f, r, 0x1.123be0p-7f);
    p = fmaf(p, r, 0x1.55545ep-5f);
    p = fmaf(p, r, 0x1.55548ep-3f);
    p = fmaf(p, r, 0.5f);
    p = fmaf(p * r, r, r);
    /* half of 2^k, so that k = 128 stays in range until the final doubling overflows */
    const float scale = from_bits((n - 1 + 127) << 23);
    const float y = 2.0f * fmaf(p, scale, scale - 0.5f);
    return x == 0.0f ? x : y; /* keeps -0 */
}

/* x = 2^k m with m in [sqrt(1/2), sqrt(2)); log(1 + f) = f - f^2/2 + f^3 p(f). */
static inline float camber_logf(float x) {
    const int subnormal = x < 0x1p-126f;
    const float scaled = subnormal ? x * 0x1p+23f : x;
    const int32_t bits = to_bits(scaled);
    const int32_t shift = (bits - 0x3F3504F3) >> 23;
    const float m = from_bits(bits - (int32_t)((uint32_t)shift << 23));
    const float k = (float)shift - (subnormal ? 23.0f : 0.0f);
    const float f = m - 1.0f;
    float p = fmaf(0x1.14573ep-4f, f, -0x1.de3bfap-4f);
    p = fmaf(p, f, 0x1.e6f08cp-4f);
    p = fmaf(p, f, -0x1.fc220ep-4f);
    p = fmaf(p, f, 0x1.233766p-3f);
    p = fmaf(p, f, -0x1.555c4ep-3f);
    p = fmaf(p, f, 0x1.99a4b6p-3f);
    p = fmaf(p, f, -0x1.000006p-2f);
    p = fmaf(p, f, 0x1.555548p-2f);
    const float f2 = f * f;
    float y = fmaf(p * f, f2, fmaf(k, 0x1.7f7d1cp-20f, -0.5f * f2));
    y = fmaf(k, 0x1.62e400p-1f, f + y);
    y = x == 0.0f ? -INFINITY : y;
    y = x < 0.0f ? NAN : y;
    y = x == INFINITY ? x : y;
    return x != x ? x : y;
}

/* Kahan: with w = fl(1 + x), log1p(x) = log(w) x / (w - 1) to full precision. */
static inline float camber_log1pf(float x) {
    const float w = 1.0f + x;
    const float d = w - 1.0f;
    const float y = camber_logf(w) * (x / d);
    const float finite = x == INFINITY ? x : y;
    return d == 0.0f ? x : finite;
}

static inline float camber_sigmoidf(float x) { return 1.0f / (1.0f + camber_expf(-x)); }

static inline float camber_softplusf(float x) {
    const float positive = x < 0.0f ? 0.0f : x; /* keeps NaN */
    return positive + camber_log1pf(camber_expf(-fabsf(x)));
}

/* |x| < 0.55: x + x^3 p(x^2); beyond: 1 - 2 / (exp(2|x|) + 1). */
static inline float camber_tanhf(float x) {
    const float t = fabsf(x);
    const float s = x * x;
    float p = fmaf(-0x1.9b3056p-8f, s, 0x1.593d0ap-6f);
    p = fmaf(p, s, -0x1.b9287cp-5f);
    p = fmaf(p, s, 0x1.110d26p-3f);
    p = fmaf(p, s, -0x1.55554ap-2f);
    const float small = copysignf(fmaf(p * s, x, x), x);
    const float large = copysignf(1.0f - 2.0f / (camber_expf(2.0f * t) + 1.0f), x);
    return t < 0.55f ? small : large;
}

/* |x| < 0.93: x + x p(x^2); beyond: 1 - exp(-(t + t q(t))), t = min(|x|, 4). */
static inline float camber_erff(float x) {
    const float a = fabsf(x);
    const float s = x * x;
    float p = fmaf(0x1.5cd652p-14f, s, -0x1.aa3fc2p-11f);
    p = fmaf(p, s, 0x1.54c80ap-8f);
    p = fmaf(p, s, -0x1.b80e94p-6f);
    p = fmaf(p, s, 0x1.ce2e0ap-4f);
    p = fmaf(p, s, -0x1.812742p-2f);
    p = fmaf(p, s, 0x1.06eba8p-3f);
    const float small = fmaf(p, x, x);
    const float t = a > 4.0f ? 4.0f : a;
    float q = fmaf(0x1.85a70ap-17f, t, -0x1.567dbep-12f);
    q = fmaf(q, t, 0x1.df76c0p-9f);
    q = fmaf(q, t, -0x1.85db92p-6f);
    q = fmaf(q, t, 0x1.b34da4p-4f);
    q = fmaf(q, t, 0x1.452f82p-1f);
    q = fmaf(q, t, 0x1.077bdep-3f);
    const float large = copysignf(1.0f - camber_expf(-fmaf(q, t, t)), x);
    return a < 0.93f ? small : large;
}

/* erfc(t) = exp(-t^2) p(w) / (1 + 2 t), w = (t - 3) / (t + 3), t = min(|x|, 10.1); the rounding
 * of t^2 is carried along, or the tail would lose t^2 ulp. */
static inline float camber_erfcf(float x) {
    const float a = fabsf(x);
    const float t = a > 10.1f ? 10.1f : a;
    const float w = (t - 3.0f) / (t + 3.0f);
    float p = fmaf(-0x1.19275ap-12f, w, -0x1.97add6p-11f);
    p = fmaf(p, w, 0x1.0661a6p-9f);
    p = fmaf(p, w, 0x1.5082eep-9f);
    p = fmaf(p, w, -0x1.85e612p-6f);
    p = fmaf(p, w, 0x1.17bd4ep-4f);
    p = fmaf(p, w, -0x1.e888aep-4f);
    p = fmaf(p, w, 0x1.098410p-3f);
    p = fmaf(p, w, -0x1.85a194p-5f);
    p = fmaf(p, w, -0x1.15c08ap-3f);
    p = fmaf(p, w, 0x1.40c522p+0f);
    const float square = t * t;
    const float rest = fmaf(t, t, -square);
    const float e = camber_expf(-square);
    const float tail = fmaf(-e, rest, e) * (p / fmaf(2.0f, t, 1.0f));
    const float kept = x != x ? x : tail;
    return x < 0.0f ? 2.0f - kept : kept;
}

/* |x| beyond tan(3 pi/8), between it and tan(pi/8), or below: atan = base + z + z^3 p(z^2). */
static inline float camber_atanf(float x) {
    const float a = fabsf(x);
    const int high = a > 0x1.3504f4p+1f, low = a <= 0x1.a8279ap-2f;
    const float above = high ? -1.0f : a - 1.0f;
    const float below = high ? a : a + 1.0f;
    const float z = (low ? a : above) / (low ? 1.0f : below);
    const float base = low ? 0.0f : (high ? 0x1.921fb6p+0f : 0x1.921fb6p-1f);
    const float s = z * z;
    float p = fmaf(-0x1.f18ceap-5f, s, 0x1.b1da02p-4f);
    p = fmaf(p, s, -0x1.23b3f8p-3f);
    p = fmaf(p, s, 0x1.999188p-3f);
    p = fmaf(p, s, -0x1.55554ap-2f);
    return copysignf(base + fmaf(p * s, z, z), x);
}

/* x = k pi/2 + r, |r| <= pi/4, with pi/2 in three parts: good to 2 ulp for |x| <= NEAR only.
 * Rows that hold anything larger are done again with the C library's function. */
#define NEAR 48000.0f
static inline float camber_quarterf(float x, int32_t ahead) {
    const float shifted = fmaf(x, 0x1.45f306p-1f, 0x1.8p+23f);
    const float k = shifted - 0x1.8p+23f;
    const int32_t quarter = to_bits(shifted) + ahead;
    float r = fmaf(k, -0x1.921fb0p+0f, x);
    r = fmaf(k, -0x1.5110b4p-22f, r);
    r = fmaf(k, -0x1.846988p-48f, r);
    const float s = r * r;
    float p = fmaf(0x1.6ccf5ep-19f, s, -0x1.a00f74p-13f);
    p = fmaf(p, s, 0x1.111108p-7f);
    p = fmaf(p, s, -0x1.555556p-3f);
    const float sine = s == 0.0f ? r : fmaf(p * s, r, r); /* keeps -0 */
    float q = fmaf(0x1.99e86ap-16f, s, -0x1.6c0c28p-10f);
    q = fmaf(q, s, 0x1.55554ap-5f);
    const float cosine = fmaf(q * s, s, fmaf(-0.5f, s, 1.0f));
    const float y = quarter & 1 ? cosine : sine;
    return quarter & 2 ? -y : y;
}
static inline float camber_near_sinf(float x) { return camber_quarterf(x, 0); }
static inline float camber_near_cosf(float x) { return camber_quarterf(x, 1); }

/* log sigmoid and log cosh in terms of the above, for both types */
#define CAMBER_FAMILY(R, f)                                                                     \
    static inline R camber_logsigmoid##f(R x) { return -camber_softplus##f(-x); }               \
    /* |x| + log1p(e^(-2|x|)) - log 2 cancels near 0: log1p(2 sinh(x/2)^2) there */             \
    static inline R camber_logcosh##f(R x) {                                                    \
        const R a = fabs##f(x);                                                                 \
        const R m = camber_expm1##f((R)0.5 * (a < 1 ? a : (R)1));                               \
        const R s = (R)0.5 * (m + m / (m + 1));                                                 \
        const R large = a + (camber_log1p##f(camber_exp##f(-2 * a)) - (R)0x1.62e42fefa39efp-1); \
        return a < 1 ? camber_log1p##f(2 * s * s) : large;                                      \
    }

static inline double camber_atan(double x) { return atan(x); }
static inline double camber_erfc(double x) { return erfc(x); }
static inline double camber_exp(double x) { return exp(x); }
static inline double camber_expm1(double x) { return expm1(x); }
static inline double camber_log(double x) { return log(x); }
static inline double camber_log1p(double x) { return log1p(x); }
static inline double camber_tanh(double x) { return tanh(x); }
static inline double camber_erf(double x) { return erf(x); }
static inline double camber_sigmoid(double x) { return 1.0 / (1.0 + exp(-x)); }
static inline double camber_softplus(double x) {
    return (x < 0.0 ? 0.0 : x) + log1p(exp(-fabs(x)));
}

CAMBER_FAMILY(float, f)
CAMBER_FAMILY(double, )
