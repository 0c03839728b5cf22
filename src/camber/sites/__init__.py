"""Find, swap and watch the nonlinearities inside any model."""

from camber.sites.known import Identity, identify
from camber.sites.meters import DEFAULT_METERS, Meter, MomentMeter, RangeMeter, ZeroMeter
from camber.sites.site import Site, sites
from camber.sites.swap import Change, Refusal, Replacement, SwapReport, swap
from camber.sites.watch import Watch, watch
from camber.sites.watch_report import SiteReport, WatchReport

__all__ = [
    "DEFAULT_METERS",
    "Change",
    "Identity",
    "Meter",
    "MomentMeter",
    "RangeMeter",
    "Refusal",
    "Replacement",
    "Site",
    "SiteReport",
    "SwapReport",
    "Watch",
    "WatchReport",
    "ZeroMeter",
    "identify",
    "sites",
    "swap",
    "watch",
]
