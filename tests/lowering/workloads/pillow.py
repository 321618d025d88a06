"""Encodes and decodes each format without and with loss, draws text, converts colours, filters."""

import io

from PIL import Image, ImageCms, ImageDraw, ImageFilter, ImageFont, features

picture = Image.new("RGB", (64, 48), "white")
ImageDraw.Draw(picture).ellipse((8, 8, 40, 40), fill=(200, 30, 60))


def through(form, **options):
    with io.BytesIO() as file:
        picture.save(file, form, **options)
        size = file.tell()
        loaded = Image.open(io.BytesIO(file.getvalue()))
        return loaded.convert("RGB"), size


def distance(other):
    assert other.size == picture.size
    return sum(abs(a - b) for a, b in zip(picture.tobytes(), other.tobytes(), strict=True)) / len(picture.tobytes())


for form, options in {
    "PNG": {}, "GIF": {}, "TIFF": {"compression": "tiff_lzw"}, "JPEG2000": {"irreversible": False},
    "WEBP": {"lossless": True, "exact": True},
}.items():  # fmt: skip
    assert distance(through(form, **options)[0]) <= (0 if form != "GIF" else 2), form
for compression in ("tiff_deflate", "jpeg", "lzma", "zstd"):
    assert distance(through("TIFF", compression=compression)[0]) < 12, compression
for form in ("JPEG", "WEBP"):
    loaded, size = through(form, quality=95)
    assert 0 < distance(loaded) < 6 and size < 64 * 48 * 3, form
for feature in ("pil", "freetype2", "littlecms2", "webp", "jpg", "jpg_2000", "zlib", "libtiff"):
    assert features.check(feature), feature
font = ImageFont.load_default(size=24)
assert isinstance(font, ImageFont.FreeTypeFont)
left, top, right, bottom = font.getbbox("perennial")
assert 60 < right - left < 160 and 10 < bottom - top < 40
srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
assert ImageCms.applyTransform(picture, ImageCms.buildTransform(srgb, lab, "RGB", "LAB")).getpixel((0, 0))[0] >= 254
assert (
    picture.resize((32, 24), Image.Resampling.LANCZOS).filter(ImageFilter.GaussianBlur(2)).getpixel((12, 12))[0] > 150
)
try:
    Image.open(io.BytesIO(b"\x89PNG\r\n\x1a\nbroken")).load()
except OSError:
    print("works")
