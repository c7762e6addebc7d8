"""HTML of a notebook, rebuilt from what is allowed in a file that people pass on.

No script, no style sheet, no form, no frame, and nothing from another host: images are data: addresses. The file's
Content-Security-Policy says the same once more.
"""

from __future__ import annotations

from typing import Final

import nh3


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_MATH: Final = _words(
    "math semantics mrow mi mo mn ms mtext mspace mfrac msqrt mroot msub msup msubsup munder mover munderover "
    "mmultiscripts mprescripts none mtable mtr mtd mlabeledtr mstyle mpadded mphantom menclose merror"
)
_MORE: Final = _words("figure figcaption details summary section audio video source")
_TAGS: Final = set(nh3.ALLOWED_TAGS) | _MATH | _MORE
_ATTRIBUTES: Final = {
    "*": {"class", "dir", "id", "lang", "role", "style", "title", "aria-label", "aria-hidden"},
    "a": {"href", "hreflang"},
    "audio": {"src", "controls", "loop", "muted"},
    "details": {"open"},
    "img": {"src", "alt", "width", "height"},
    "ol": {"start", "type", "reversed"},
    "source": {"src", "type"},
    "td": {"colspan", "rowspan", "align", "valign", "headers"},
    "th": {"colspan", "rowspan", "align", "valign", "scope", "headers"},
    "video": {"src", "controls", "loop", "muted", "width", "height", "poster"},
    "math": {"display", "xmlns"},
    "mo": {"stretchy", "fence", "form", "lspace", "rspace", "minsize", "maxsize", "largeop", "movablelimits"},
    "mi": {"mathvariant"},
    "mspace": {"width", "height", "depth", "linebreak"},
    "mstyle": {"displaystyle", "scriptlevel", "mathcolor", "mathbackground", "mathsize"},
    "mtable": {"columnalign", "rowspacing", "columnspacing", "columnlines", "rowlines", "displaystyle"},
    "mtd": {"columnalign", "rowspan", "columnspan"},
    "mfrac": {"linethickness"},
    "mover": {"accent"},
    "munder": {"accentunder"},
    "menclose": {"notation"},
    "mpadded": {"width", "height", "depth", "lspace", "voffset"},
}
# What a style may say: nothing that leaves its place or loads anything.
_STYLES: Final = _words(
    "background-color border border-bottom border-collapse border-color border-left border-radius border-right "
    "border-style border-top border-width caption-side color display font-family font-size font-style font-weight "
    "height letter-spacing line-height list-style-type margin margin-bottom margin-left margin-right margin-top "
    "max-height max-width min-height min-width opacity overflow overflow-x overflow-y padding padding-bottom "
    "padding-left padding-right padding-top text-align text-decoration text-indent text-transform vertical-align "
    "white-space width word-break"
)
_LOADS: Final = frozenset({"src", "poster"})


def _kept(tag: str, name: str, value: str) -> str | None:
    if name in _LOADS:
        kinds = ("data:image/",) if tag in ("img",) or name == "poster" else ("data:audio/", "data:video/")
        return value if value.strip().lower().startswith(kinds) else None
    if name == "href" and value.strip().lower().startswith("data:"):
        return None
    if name == "style" and ("(" in value or "\\" in value):  # url(), expression(), and what hides them
        return None
    return value


def sanitise(html: str) -> str:
    return nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        attribute_filter=_kept,
        clean_content_tags={"script", "style", "template", "noscript", "iframe", "object", "svg"},
        url_schemes={"http", "https", "mailto", "data"},
        filter_style_properties=set(_STYLES),
        link_rel="noopener noreferrer",
    )
