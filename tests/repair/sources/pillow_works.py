"""Encodes and decodes in every format that a grafted library knows, draws text, converts colours."""

import io

from PIL import Image, ImageCms, ImageDraw, ImageFont, features

picture = Image.new("RGB", (64, 48), "white")
draw = ImageDraw.Draw(picture)
draw.ellipse((8, 8, 40, 40), fill=(200, 30, 60))
for x in range(64):
    draw.point((x, 20), fill=(4 * x, 255 - 4 * x, x))


def through(form, **options):
    with io.BytesIO() as file:
        picture.save(file, form, **options)
        size = file.tell()
        file.seek(0)
        loaded = Image.open(file)
        loaded.load()
    assert loaded.size == picture.size, form
    return loaded.convert("RGB"), size


def distance(other):
    pairs = zip(picture.tobytes(), other.tobytes(), strict=True)
    return sum(abs(a - b) for a, b in pairs) / len(picture.tobytes())


lossless = {"PNG": {}, "TIFF": {"compression": "tiff_lzw"}, "WEBP": {"lossless": True, "exact": True}}
lossless["JPEG2000"] = {"irreversible": False}
for form, options in lossless.items():
    loaded, _ = through(form, **options)
    assert distance(loaded) == 0, form
for compression in ("tiff_deflate", "tiff_adobe_deflate", "jpeg", "lzma", "zstd", "webp"):
    loaded, _ = through("TIFF", compression=compression)
    assert distance(loaded) < 12, compression
for form, options in {"JPEG": {"quality": 95, "progressive": True}, "WEBP": {"quality": 95}}.items():
    loaded, size = through(form, **options)
    assert 0 < distance(loaded) < 6, (form, distance(loaded))
    assert size < 64 * 48 * 3, form

for module in ("pil", "freetype2", "littlecms2", "webp"):
    assert features.check_module(module), module
for codec in ("jpg", "jpg_2000", "zlib", "libtiff"):
    assert features.check_codec(codec), codec
    assert features.version_codec(codec), codec

# freetype reads the font that Pillow has with it
font = ImageFont.load_default(size=24)
assert isinstance(font, ImageFont.FreeTypeFont)
left, top, right, bottom = font.getbbox("perennial")
assert 60 < right - left < 160, (left, right)
assert 10 < bottom - top < 40, (top, bottom)
canvas = Image.new("L", (200, 40))
ImageDraw.Draw(canvas).text((5, 5), "perennial", fill=255, font=font)
assert sum(canvas.tobytes()) > 10000

# littlecms converts colours
srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
lightness = ImageCms.applyTransform(picture, ImageCms.buildTransform(srgb, lab, "RGB", "LAB")).getpixel((0, 0))
assert lightness[0] >= 254, lightness
print("works")
