"""The same data for programs, inside the page."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from camber.train.plain_json import plain_dict

if TYPE_CHECKING:
    from camber.compare.comparison import Comparison


def data_block(comparison: Comparison, room: int) -> str:
    """Return the comparison as JSON in the page, or where to find it if it takes over ``room``.

    No browser runs it. What could end the block or start a comment is written as JSON escapes, so
    a label such as ``</script>`` stays a label.
    """
    record = plain_dict(comparison.to_dict(), where="the comparison")  # JSON has no NaN
    data = json.dumps(record, allow_nan=False, sort_keys=True, separators=(",", ":"))
    for sign in "<>&":
        data = data.replace(sign, f"\\u{ord(sign):04x}")
    if len(data) > room:
        return "<footer><p>The data for programs are in result.json beside this page.</p></footer>"
    return f'<script type="application/json" id="comparison">{data}</script>'
