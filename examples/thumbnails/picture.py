"""A picture to upload, painted by code: hills under a low sun."""

import io
import math

from PIL import Image, ImageDraw

WIDTH, HEIGHT = 640, 400


def paint(kind: str = "PNG") -> bytes:
    """The picture's bytes as PNG or JPEG."""
    picture = Image.new("RGB", (WIDTH, HEIGHT))
    draw = ImageDraw.Draw(picture)
    for y in range(HEIGHT):
        draw.line((0, y, WIDTH, y), fill=(250 - y // 3, 190 - y // 5, 120 + y // 4))
    draw.ellipse((430, 90, 530, 190), fill=(255, 236, 170))
    for number, colour in enumerate(((126, 108, 140), (86, 84, 120), (44, 56, 84))):
        crest = [(x, 230 + 50 * number + 28 * math.sin(x / (95 - 20 * number) + 2 * number)) for x in range(0, WIDTH + 1, 4)]
        draw.polygon([(0, HEIGHT), *crest, (WIDTH, HEIGHT)], fill=colour)
    painted = io.BytesIO()
    picture.save(painted, kind)
    return painted.getvalue()


if __name__ == "__main__":
    with open("picture.png", "wb") as file:
        file.write(paint())
