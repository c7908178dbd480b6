"""Only for what pyproject.toml cannot say: a wheel that brings the library is for one platform, but for every Python 3."""

from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel

BRINGS_LIBRARY = any(Path(__file__).parent.glob("src/rill/lib/librill.so*"))


class PlatformDistribution(Distribution):
    def has_ext_modules(self) -> bool:
        return BRINGS_LIBRARY


class PlatformWheel(bdist_wheel):
    def get_tag(self) -> "tuple[str, str, str]":
        python, interface, platform = super().get_tag()
        return ("py3", "none", platform) if BRINGS_LIBRARY else (python, interface, platform)


setup(distclass=PlatformDistribution, cmdclass={"bdist_wheel": PlatformWheel})
