"""Readers of sets that no file at hand shows, on small files in the layout that their authors describe."""

import h5py
import numpy as np
import pytest
from landbridge.domains.satellite_imagery import cabuar
from landbridge.domains.satellite_imagery.bands import L2A
from landbridge.domains.satellite_imagery.sen2fire import BANDS as SEN2FIRE
from landbridge.domains.satellite_imagery.sen2fire import OVERLAP
from landbridge.stage import StageError

from tests.unit.domains.satellite_imagery.made import NAMES, harmonised, numbers, read, scene, write

OWN = {"size": 32}


def full(codes, shape=(64, 96), seed=0):
    """(band, y, x) reflectance of some bands of Sentinel-2; those that burn6 lacks are made of the near infrared."""
    bands, label = scene(shape, seed)
    by_name = dict(zip(NAMES, bands, strict=True))
    return np.stack([by_name.get(code, 0.9 * by_name["B8A"]) for code in codes]), label


# HLS Burn Scars


def write_hls(folder, name="T10SEH.2018190", values=None):
    bands, label = scene()
    mask = label.astype(np.int16)
    mask[:, :4] = -1
    stem = folder / f"subsetted_512x512_HLS.S30.{name}.v1.4"
    image = stem.with_name(stem.name + "_merged.tif")
    write(image, (bands if values is None else values).astype(np.float32))
    write(stem.with_name(stem.name + ".mask.tif"), mask)
    return bands, label


@pytest.mark.parametrize("fill", [-9999, -0.9999])
def test_hls_burn_scars(tmp_path, fill):
    bands, label = scene()
    filled = bands.copy()
    filled[:, -4:] = fill
    write_hls(tmp_path / "training", values=filled)
    write_hls(tmp_path / "validation", "T11SKA.2020001")
    chips, counts = read("hls_burn_scars", tmp_path, **OWN)
    assert len(chips) == 12 and counts["scale: reflectance"] == 2
    first = chips[0]
    assert first.name == "S30.T10SEH.2018190.v1.4~r00000c00000"
    assert (first.static["event"], first.static["block"]) == ("T10SEH 2018", "T10SEH")
    assert first.static["date"] == "2018-07-09" and chips[6].static["date"] == "2020-01-01"
    assert not first.valid[:, :4].any() and first.valid[:, 4:].all()  # the mask's -1
    assert not chips[3].valid[-4:].any() and chips[3].valid[:-4, 4:].all()  # the fill of the image
    np.testing.assert_allclose(first.reflectance[:, :, 4:], bands[:, :32, 4:32], rtol=1e-6)
    assert (first.label[:, 4:] == label[:32, 4:32]).all() and (first.label[:, :4] == 255).all()
    assert harmonised(tmp_path / "hls.nc", chips)["burned"].shape == (12, 32, 32)


def test_hls_files_that_cannot_be_used(tmp_path):
    with pytest.raises(StageError, match="holds no"):
        read("hls_burn_scars", tmp_path)
    write_hls(tmp_path)
    next(tmp_path.glob("*.mask.tif")).unlink()
    assert read("hls_burn_scars", tmp_path)[1] == {"dropped: image without a mask": 1}
    write(tmp_path / "other_merged.tif", scene()[0])
    with pytest.raises(StageError, match="is not named"):
        read("hls_burn_scars", tmp_path)


# Wildfires-CEMS


def write_cems(folder, tile, factor=1):
    bands, label = full(L2A)
    write(folder / f"{tile}_S2L2A.tif", (factor * bands).astype(np.float32))
    write(folder / f"{tile}_DEL.tif", label)
    cloud = np.zeros(label.shape, np.uint8)
    cloud[50, 80] = 1
    write(folder / f"{tile}_CM.tif", cloud)
    return bands, label


def test_wildfires_cems_in_both_scales(tmp_path):
    bands, label = write_cems(tmp_path / "a", "EMSR382_AOI01_01")
    write_cems(tmp_path / "b", "EMSR382_AOI02_01", 10_000)
    chips, counts = read("wildfires_cems", tmp_path, **OWN)
    assert counts["scale: reflectance, guessed"] == 1 and counts["scale: sentinel2, guessed"] == 1
    assert {chip.static["event"] for chip in chips} == {"EMSR382"} and len(chips) == 12
    np.testing.assert_allclose(chips[0].reflectance, chips[6].reflectance, rtol=1e-5)
    at = [L2A.index(code) for code in ("B02", "B03", "B04", "B08", "B11", "B12")]
    np.testing.assert_allclose(chips[0].reflectance, bands[at][:, :32, :32], rtol=1e-6)
    assert (chips[0].label == label[:32, :32]).all()
    assert (~chips[5].valid).sum() == 25  # one pixel of cloud and two around it
    next(tmp_path.rglob("*_CM.tif")).unlink()
    assert read("wildfires_cems", tmp_path, **OWN)[1]["images without a cloud mask"] == 1
    next(tmp_path.rglob("*_DEL.tif")).unlink()
    assert read("wildfires_cems", tmp_path, **OWN)[1]["dropped: image without a delineation"] == 1


def test_wildfires_cems_needs_activations(tmp_path):
    with pytest.raises(StageError, match="holds no"):
        read("wildfires_cems", tmp_path)
    write_cems(tmp_path, "fire")
    with pytest.raises(StageError, match="no activation EMSR"):
        read("wildfires_cems", tmp_path)


# CaBuAr


def write_cabuar(path, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as handle:
        for number, name in enumerate(("fire1_0", "fire1_1", "fire2_0")):
            bands, label = full(L2A, seed=number)
            group = handle.create_group(name)
            group.attrs["fold"] = number
            group.create_dataset("post_fire", data=np.moveaxis(numbers(bands), 0, 2), **options)
            group.create_dataset("mask", data=label[..., None].astype(np.uint16))
            if number < 2:
                group.create_dataset("pre_fire", data=np.moveaxis(numbers(bands[::-1]), 0, 2))


def test_cabuar(tmp_path):
    write_cabuar(tmp_path / "512x512.hdf5")
    chips, counts = read("cabuar", tmp_path, **OWN)
    bands, label = full(L2A)
    assert len(chips) == 18 and counts["scale: sentinel2, guessed"] == 1
    assert [chip.static["event"] for chip in chips[::6]] == ["fire1", "fire1", "fire2"]
    assert chips[0].crs == "" and chips[0].static["georeferenced"] == 0 and np.isnan(chips[0].static["lat"])
    at = [L2A.index(code) for code in ("B02", "B03", "B04", "B08", "B11", "B12")]
    np.testing.assert_allclose(chips[0].reflectance, bands[at][:, :32, :32], atol=5.1e-5)
    assert (chips[0].label == label[:32, :32]).all()
    both, counts = read("cabuar", tmp_path, **OWN, pre=True, stack="burn3")
    assert len(both) == 12 and counts["dropped: patch without an image before the fire"] == 1
    assert both[0].bands[3:] == ("nir_pre", "swir1_pre", "swir2_pre")
    nir = L2A.index("B08")
    np.testing.assert_allclose(both[0].reflectance[3], bands[::-1][nir][:32, :32], atol=5.1e-5)
    assert {chip.static["event"] for chip in read("cabuar", tmp_path, **OWN, event_of="patch")[0]} == {
        "fire1_0",
        "fire1_1",
        "fire2_0",
    }
    assert harmonised(tmp_path / "cabuar.nc", chips)["crs_wkt"].tolist() == [""] * 18


def test_cabuar_without_the_filter(tmp_path, monkeypatch):
    write_cabuar(tmp_path / "512x512.hdf5", compression="gzip")
    assert read("cabuar", tmp_path, **OWN)[0]
    deflate = h5py.h5z.FILTER_DEFLATE
    monkeypatch.setattr(cabuar, "BZIP2", deflate)
    monkeypatch.setattr(h5py.h5z, "filter_avail", lambda number: number != deflate)
    with pytest.raises(StageError, match=r"filter BZip2 .* which is not installed here"):
        read("cabuar", tmp_path, **OWN)


def test_cabuar_files_that_cannot_be_used(tmp_path):
    with pytest.raises(StageError, match=r"holds no \.hdf5"):
        read("cabuar", tmp_path)
    write_cabuar(tmp_path / "a.h5")
    whole = (tmp_path / "a.h5").read_bytes()
    (tmp_path / "a.h5").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StageError, match="not a readable HDF5 file, or cut short"):
        read("cabuar", tmp_path)
    with h5py.File(tmp_path / "a.h5", "w") as handle:
        handle.create_group("fire").create_dataset("image", data=np.zeros(3))
    with pytest.raises(StageError, match="no group of it holds post_fire"):
        read("cabuar", tmp_path)
    with pytest.raises(StageError, match="event_of is"):
        read("cabuar", tmp_path, event_of="place")


# Sen2Fire


def sen2fire_patch(shape=(192, 192)):
    bands, label = full(SEN2FIRE, shape)
    return np.concatenate([numbers(bands), numbers(bands[:1])]), label


@pytest.mark.parametrize("container", ["npz", "geotiff"])
def test_sen2fire_in_both_containers(tmp_path, container):
    image, label = sen2fire_patch()
    for area in ("scene1", "scene4"):
        folder = tmp_path / area
        folder.mkdir()
        if container == "npz":
            np.savez(folder / "p_1.npz", image=image, label=label)
        else:
            write(folder / "p_1.tif", image, crs=None)
            write(folder / "p_1_label.tif", label, crs=None)
    chips, counts = read("sen2fire", tmp_path, **OWN, container=container)
    assert len(chips) == 2 * ((192 - OVERLAP) // 32) ** 2  # what patches share is cut once
    assert [chip.static["region"] for chip in chips[::4]] == ["scene1", "scene4"]
    assert chips[0].crs == "" and (chips[0].label == label[:32, :32]).all()
    swir2 = image[SEN2FIRE.index("swir2"), :32, :32] / 10_000
    np.testing.assert_allclose(chips[0].reflectance[5], swir2, rtol=1e-5)
    with pytest.raises(StageError, match="no band nir_narrow"):
        read(
            "sen2fire",
            tmp_path,
            **OWN,
            container=container,
            stack=["nir_narrow"],
            aliases={"nir_narrow": ["nir_narrow"]},
        )


def test_sen2fire_files_that_cannot_be_used(tmp_path):
    with pytest.raises(StageError, match=r"holds no \.npz patch; write container"):
        read("sen2fire", tmp_path)
    with pytest.raises(StageError, match="container is 'zip'"):
        read("sen2fire", tmp_path, container="zip")
    image, label = sen2fire_patch()
    np.savez(tmp_path / "p.npz", x=image, label=label)
    with pytest.raises(StageError, match="no array image; it has x, label"):
        read("sen2fire", tmp_path)
    np.savez(tmp_path / "p.npz", image=image[:5], label=label)
    with pytest.raises(StageError, match="wanted are 12 bands and the aerosol index"):
        read("sen2fire", tmp_path)
    np.savez(tmp_path / "p.npz", image=np.array([{}], object), label=label)
    with pytest.raises(StageError, match="not a readable"):
        read("sen2fire", tmp_path)
    (tmp_path / "p.npz").write_bytes(b"<html>")
    with pytest.raises(StageError, match="not a readable"):
        read("sen2fire", tmp_path)
