"""Checks image layouts of a bundle for linux/amd64, in folders of these names: all that is needed is there, and nothing else."""
import json
import os
import sys


def check(folder):
    want = set()
    names = []

    def path(digest):
        algorithm, hex_digits = digest.split(":")
        assert algorithm == "sha256"
        return f"{folder}/blobs/sha256/{hex_digits}"

    def need(desc):
        want.add(desc["digest"].split(":")[1])
        assert os.path.getsize(path(desc["digest"])) == desc["size"]

    def visit(desc):
        need(desc)
        with open(path(desc["digest"])) as f:
            doc = json.load(f)
        for child in doc.get("manifests", []):
            platform = child.get("platform")
            if not platform or (platform["os"], platform["architecture"]) == ("linux", "amd64"):
                visit(child)
            elif (platform["os"], platform["architecture"]) == ("linux", "386"):
                need(child)  # containerd opens it, though it does not run it
        for blob in [doc["config"]] + doc["layers"] if "layers" in doc else []:
            need(blob)

    with open(f"{folder}/index.json") as f:
        for desc in json.load(f)["manifests"]:
            names.append(desc["annotations"]["io.containerd.image.name"])
            visit(desc)
    assert names == sorted(set(names)), names
    assert want == set(os.listdir(f"{folder}/blobs/sha256")), want ^ set(os.listdir(f"{folder}/blobs/sha256"))
    with open(f"{folder}/manifest.json") as f:
        for image in json.load(f):
            assert all(os.path.exists(f"{folder}/{p}") for p in [image["Config"]] + image["Layers"])


for name in sys.argv[1:]:
    check(name)
