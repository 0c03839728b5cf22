"""The compiled kernels' foundations: the compiler, the cache, the elementary functions."""

import ctypes
import math
import os
import stat
from pathlib import Path

import mpmath
import pytest
import torch
from fast_checks import needs_compiler

from camber.fast import poly_relu
from camber.fast.native import toolchain
from camber.fast.native.kernel import Kernel, kernel
from camber.fast.native.prelude import prelude
from camber.fast.native.toolchain import BuildError, build, find_compiler

FUNCTIONS = {
    "expf": mpmath.exp,
    "expm1f": mpmath.expm1,
    "logf": mpmath.log,
    "log1pf": mpmath.log1p,
    "sigmoidf": lambda x: 1 / (1 + mpmath.exp(-x)),
    "softplusf": lambda x: mpmath.log1p(mpmath.exp(x)),
    "tanhf": mpmath.tanh,
    "erff": mpmath.erf,
    "erfcf": mpmath.erfc,
    "atanf": mpmath.atan,
    "near_sinf": mpmath.sin,
    "near_cosf": mpmath.cos,
    "logcoshf": lambda x: mpmath.log(mpmath.cosh(x)),
    "logsigmoidf": lambda x: -mpmath.log1p(mpmath.exp(-x)),
}
POINTS = sorted(
    {
        sign * value
        for sign in (-1, 1)
        for value in [
            *(2.0**k * 1.37 for k in range(-60, 7)),
            *(k / 7 for k in range(1, 140)),
            *(2.414, 2.4143, 0.4142, 0.41423, 1000.3, 30001.7, 47999.0),
            *(0.9299, 0.9301, 0.5499, 0.5501, 3.99, 4.01, 9.3, 10.05, 88.7, 87.4, 103.5),
        ]
    }
)


@pytest.fixture(scope="module")
def library():
    loops = "".join(
        f"void run_{name}(const float *x, float *y, i64 n) "
        f"{{ for (i64 i = 0; i < n; i++) y[i] = camber_{name}(x[i]); }}\n"
        for name in FUNCTIONS
    )
    return build(prelude(torch.float32) + loops)


def run(library, name, points):
    x = torch.tensor(points, dtype=torch.float32)
    y = torch.empty_like(x)
    pointers = ctypes.c_void_p(x.data_ptr()), ctypes.c_void_p(y.data_ptr())
    getattr(library, f"run_{name}")(*pointers, ctypes.c_int64(x.numel()))
    return x.tolist(), y.tolist()


@needs_compiler
@pytest.mark.parametrize("name", FUNCTIONS)
def test_elementary_functions_are_right_to_a_few_ulp(name, library):
    smallest = {"logf": 0, "log1pf": -1}.get(name, -math.inf)
    # erfc divides twice and its polynomial's terms cancel a little near 0
    most = 5 if name == "erfcf" else 3
    points = [point for point in POINTS if point > smallest]
    for x, found in zip(*run(library, name, points), strict=True):
        with mpmath.workdps(120):  # independent numerics; cosh(1e-18) - 1 needs the digits
            wanted = FUNCTIONS[name](mpmath.mpf(x))
        if abs(wanted) > 3.4e38:
            assert found == math.inf
            continue
        size = max(abs(float(wanted)), 1.2e-38)
        ulp = 2.0 ** (math.floor(math.log2(size)) - 23)
        assert abs(found - float(wanted)) <= most * ulp, (x, found, float(wanted))


@needs_compiler
def test_elementary_functions_at_special_values(library):
    inf, nan = math.inf, math.nan
    wanted = {
        "expf": {-inf: 0, inf: inf, nan: nan, 89.0: inf, -104.0: 0},
        "expm1f": {-inf: -1, inf: inf, nan: nan, -0.0: -0.0},
        "logf": {0.0: -inf, -1.0: nan, inf: inf, nan: nan, 1e-45: math.log(2.0**-149)},
        "log1pf": {-1.0: -inf, -2.0: nan, inf: inf, nan: nan, -0.0: -0.0},
        "sigmoidf": {-inf: 0, inf: 1, nan: nan},
        "softplusf": {-inf: 0, inf: inf, nan: nan},
        "tanhf": {-inf: -1, inf: 1, nan: nan, -0.0: -0.0},
        "erff": {-inf: -1, inf: 1, nan: nan, -0.0: -0.0},
        "erfcf": {-inf: 2, inf: 0, nan: nan},
        "atanf": {-inf: -math.pi / 2, inf: math.pi / 2, nan: nan, -0.0: -0.0},
        "near_sinf": {-0.0: -0.0},
    }
    for name, table in wanted.items():
        _, found = run(library, name, list(table))
        assert found == pytest.approx(list(table.values()), rel=1e-6, nan_ok=True), name
        for value, result in zip(table.values(), found, strict=True):
            if value == 0:
                assert math.copysign(1, result) == math.copysign(1, value), name


@needs_compiler
def test_bfloat16_rounds_as_torch_does():
    text = "void copy(const T *x, T *y, i64 n) { for (i64 i = 0; i < n; i++) y[i] = STORE(%s); }"
    bits = torch.arange(65536, dtype=torch.int32).to(torch.int16)
    for dtype in (torch.bfloat16, torch.float16):
        library = build(prelude(dtype) + text % "LOAD(x[i]) * 1.01f")
        x = bits.view(dtype)
        y = torch.empty_like(x)
        pointers = ctypes.c_void_p(x.data_ptr()), ctypes.c_void_p(y.data_ptr())
        library.copy(*pointers, ctypes.c_int64(x.numel()))
        wanted = (x.float() * 1.01).to(dtype)
        assert torch.equal(y.isnan(), wanted.isnan())
        assert torch.equal(y[~y.isnan()], wanted[~y.isnan()])


def test_no_compiler_is_a_reason(monkeypatch):
    monkeypatch.setenv("CAMBER_CC", "a-compiler-that-is-not-there")
    with pytest.raises(BuildError, match="a-compiler-that-is-not-there"):
        find_compiler()
    monkeypatch.delenv("CAMBER_CC")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(BuildError, match="cc, gcc or clang"):
        find_compiler()
    monkeypatch.setattr(toolchain.sys, "platform", "win32")
    with pytest.raises(BuildError, match="win32"):
        find_compiler()


@needs_compiler
def test_a_failing_compiler_is_a_reason(monkeypatch, tmp_path):
    monkeypatch.setenv("CAMBER_CACHE", str(tmp_path))
    with pytest.raises(BuildError, match="error"):
        build("this is not C;")
    broken = tmp_path / "broken-cc"
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(broken.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("CAMBER_CC", str(broken))
    with pytest.raises(BuildError, match="--version"):
        build("void camber_probe(void) {}")
    x = torch.ones(70_000)
    assert poly_relu(x, torch.ones(3), torch.zeros(1))[0].item() == 3.0  # auto goes on without


@needs_compiler
def test_kernels_are_kept_on_disk_and_built_once(monkeypatch, tmp_path):
    monkeypatch.setenv("CAMBER_CACHE", str(tmp_path / "new"))
    build("void camber_kept(void) {}")
    (library,) = (tmp_path / "new").glob("*.so")
    written = library.stat().st_mtime_ns
    build("void camber_kept(void) {}")
    assert library.stat().st_mtime_ns == written


@needs_compiler
def test_a_damaged_library_is_built_again(monkeypatch, tmp_path):
    monkeypatch.setenv("CAMBER_CACHE", str(tmp_path))
    damage = True

    def compile_badly(compiler, text, library):
        library.write_bytes(b"not a library")
        if not damage:
            compile_well(compiler, text, library)

    compile_well = toolchain._compile
    monkeypatch.setattr(toolchain, "_compile", compile_badly)
    with pytest.raises(BuildError, match="did not load"):
        build("void camber_damaged(void) {}")
    damage = False
    assert build("void camber_damaged(void) {}").camber_damaged


@needs_compiler
def test_a_directory_that_others_may_write_is_not_used(monkeypatch, tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    monkeypatch.setenv("CAMBER_CACHE", str(shared))
    build("void camber_elsewhere(void) {}")
    assert list(shared.iterdir()) == []


def test_a_failed_build_is_remembered(monkeypatch):
    attempts = []

    def make() -> Kernel:
        attempts.append(1)
        raise BuildError("no")

    for _ in range(2):
        with pytest.raises(BuildError, match="no"):
            kernel(("a key of this test", os.getpid()), make)
    assert len(attempts) == 1


def test_unknown_dtypes_have_no_kernel():
    with pytest.raises(BuildError, match="float8"):
        prelude(torch.float8_e4m3fn)


def test_the_header_is_shipped():
    assert (Path(toolchain.__file__).parent / "vector_math.h").is_file()


def test_without_a_home_directory_kernels_are_kept_for_the_process_only(monkeypatch):
    def homeless(self):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("CAMBER_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "expanduser", homeless)
    directory = toolchain._cache_directory()
    assert directory.is_dir()
    assert directory.name.startswith("camber-")
