"""Where the modules get their computations from."""

try:
    from camber.fast import Backend, gated, pointwise, poly_norm, poly_relu, rational
except ImportError:
    import torch
    from typing import Literal
    from camber.formula import to_torch

    Backend = Literal["auto", "reference", "compile", "fused"]
    pointwise = lambda formula, x, params, *, backend="auto": to_torch(formula)(x, **params)
    gated = lambda formula, x, g, params, *, backend="auto": to_torch(formula)(x, g, **params)

    def poly_relu(x, weight, bias, *, backend="auto"):
        z = x.float() if x.dtype in (torch.half, torch.bfloat16) else x
        r = torch.relu(z)
        y = bias.to(z.dtype)[0]
        p = r
        for k in range(1, len(weight) + 1):
            y = y + weight[-k].to(z.dtype) * p
            p = p * r
        return y.to(x.dtype)

    def poly_norm(x, weight, bias, eps=1e-6, *, dim=-1, backend="auto"):
        z = x.float() if x.dtype in (torch.half, torch.bfloat16) else x
        s = z.detach().abs().amax(dim, keepdim=True).clamp(min=1.0)
        z = z / s
        p = z
        sl = eps / (s * s)
        y = bias.to(z.dtype)[0]
        for k in range(1, len(weight) + 1):
            y = y + weight[-k].to(z.dtype) * p * (p.square().mean(dim, keepdim=True) + sl).rsqrt()
            p = p * z
            sl = sl / (s * s)
        return y.to(x.dtype)

    def rational(x, a, b, *, groups, form, channel_dim=-1, backend="auto"):
        z = x.float() if x.dtype in (torch.half, torch.bfloat16) else x
        C = x.shape[channel_dim] if groups > 1 else 1
        behind = (
            (-channel_dim - 1 if channel_dim < 0 else x.ndim - 1 - channel_dim) if groups > 1 else 0
        )

        def sp(t, i):
            v = t[:, i].to(z.dtype)
            if groups == 1:
                return v[0]
            v = v.expand(groups)
            return v[:, None].expand(groups, C // groups).reshape(C, *(1,) * behind)

        P = sum(sp(a, i) * z**i for i in range(a.shape[1]))
        if form == "sum_abs":
            Q = 1 + sum(
                torch.where(sp(b, i) >= 0, sp(b, i), -sp(b, i)) * z.abs() ** (i + 1)
                for i in range(b.shape[1])
            )
        else:
            Q = 1 + abs(sum(sp(b, i) * z ** (i + 1) for i in range(b.shape[1])))
        return (P / Q).to(x.dtype)
