"""Writes the FITS fixtures of test/golden/fits with astropy: python test/predict/make_fits.py (numpy, astropy 8.0).

Small files in the layouts that archives give out, with values that the tests compute again.
"""

import gzip
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.table import Table

OUT = Path(__file__).parent.parent / "golden" / "fits"
OUT.mkdir(parents=True, exist_ok=True)

N = 700
INDEX = np.arange(N)
TIME = 131.5 + INDEX * 0.0204336
# Counts whose sequence the tests repeat.
FLUX = (10000 + (INDEX * 7919) % 101).astype(np.float32)


def primary(**cards):
    hdu = fits.PrimaryHDU()
    for key, value in cards.items():
        hdu.header[key] = value
    return hdu


def kepler():
    """As `kplr*_llc.fits`: NaN times and fluxes, quality bits, an aperture image behind."""
    time, pdcsap, quality = TIME.copy(), FLUX.copy(), np.zeros(N, np.int32)
    time[10] = np.nan
    pdcsap[20] = np.nan
    quality[30], quality[31], quality[32] = 128, 2048, 1  # two that are kept, an attitude tweak
    columns = [
        fits.Column("TIME", "D", unit="BJD - 2454833", array=time),
        fits.Column("TIMECORR", "E", unit="d", array=np.zeros(N)),
        fits.Column("CADENCENO", "J", array=INDEX),
        fits.Column("SAP_FLUX", "E", unit="e-/s", array=FLUX / 2),
        fits.Column("PDCSAP_FLUX", "E", unit="e-/s", array=pdcsap),
        fits.Column("SAP_QUALITY", "J", array=quality),
    ]
    table = fits.BinTableHDU.from_columns(columns, name="LIGHTCURVE")
    head = primary(TELESCOP="Kepler", OBJECT="KIC 6117517", KEPLERID=6117517, QUARTER=3)
    return fits.HDUList([head, table, fits.ImageHDU(np.ones((5, 4), np.int32), name="APERTURE")])


def tess():
    """As `tess*_lc.fits`: a two-dimensional column beside, PDCSAP empty, integers with TNULL and TZERO."""
    columns = [
        fits.Column("TIME", "D", unit="BJD - 2457000, days", array=TIME + 1000),
        fits.Column("CADENCENO", "J", null=-1, array=INDEX),
        fits.Column("SAP_FLUX", "E", array=FLUX),
        fits.Column("PDCSAP_FLUX", "E", array=np.full(N, np.nan)),
        fits.Column("QUALITY", "J", array=np.where(INDEX == 5, 512, 0)),
        fits.Column("CENTROID", "2E", array=np.zeros((N, 2))),
    ]
    table = fits.BinTableHDU.from_columns(columns, name="LIGHTCURVE")
    return fits.HDUList([primary(TELESCOP="TESS", OBJECT="TIC 38846515", TICID=38846515), table])


def integers():
    """Every number type, scaled and with missing values."""
    columns = [
        fits.Column("BYTE", "B", array=np.arange(4), null=3),
        fits.Column("FLAGS", "11X", array=np.zeros((4, 11), bool)),
        fits.Column("NAME", "5A", array=["a", "b", "c", "d"]),
        fits.Column("SHORT", "I", array=np.array([-2, -1, 0, 32767]), null=-1),
        fits.Column("UNSIGNED", "J", bzero=2**31, array=np.array([0, 1, 2**31, 2**32 - 1], np.uint32)),
        fits.Column("SCALED", "I", array=np.array([-1, 0, 1, 20], np.int16)),
        fits.Column("LONG", "K", array=np.array([-(2**40), 0, 1, 2**40])),
        fits.Column("FLOAT", "E", array=np.array([0.5, np.nan, -np.inf, 3])),
        fits.Column("DOUBLE", "D", array=np.array([1e-300, 0.1, 2.5, -7])),
    ]
    hdu = fits.BinTableHDU.from_columns(columns, name="NUMBERS")
    hdu.header["TSCAL6"], hdu.header["TZERO6"] = 0.5, 10
    return fits.HDUList([primary(), hdu])


BINS = 400
FREQUENCY = (1 + np.arange(BINS)) * 0.72  # µHz up to 288
POWER = 1.0 + (np.arange(BINS) ** 2 * 7) % 101


def table(x, y, name):
    return fits.HDUList([primary(KEPLERID=6117517), fits.BinTableHDU.from_columns([x, y], name=name)])


def main():
    files = {
        "kepler_llc.fits": kepler(),
        "tess_lc.fits": tess(),
        "numbers.fits": integers(),
        "kasoc_psd.fits": table(
            fits.Column("FREQUENCY", "D", unit="uHz", array=FREQUENCY),
            fits.Column("PSD", "D", unit="ppm^2/uHz", array=POWER),
            "PSD",
        ),
        "kepseismic_psd.fits": table(
            fits.Column("TIME", "D", array=FREQUENCY * 1e-6), fits.Column("FLUX", "D", array=POWER), "PSD"
        ),
        "kadacs_psd.fits": fits.HDUList(
            [fits.PrimaryHDU(np.stack([FREQUENCY * 1e-6, POWER], axis=1)), fits.ImageHDU(np.zeros(3))]
        ),
        "rows_psd.fits": fits.HDUList([fits.PrimaryHDU(np.stack([FREQUENCY * 1e-6, POWER]).astype(np.float32))]),
    }
    for name, hdus in files.items():
        hdus.writeto(OUT / name, overwrite=True)
    Table({"frequency": FREQUENCY / 11.574074074074074, "power": POWER}, units=["d-1", "ppm2 uHz-1"]).write(
        OUT / "lightkurve_periodogram.fits", overwrite=True
    )
    Table({"frequency": FREQUENCY, "power": np.sqrt(POWER)}, units=["uHz", "ppm"]).write(
        OUT / "lightkurve_amplitude.fits", overwrite=True
    )
    with gzip.GzipFile(OUT / "kepler_llc.fits.gz", "wb", mtime=0) as file:
        file.write((OUT / "kepler_llc.fits").read_bytes())


if __name__ == "__main__":
    main()
