#!/bin/sh
# Prints the path of a program of the lab, built from its Go module at the version that lab.yaml pins: for the tests that
# want the true one. sh gotools.sh helm|kubectl|minikube. What was built once stays under the user's cache; building takes
# minutes, so it is done where LABGEN_GOTOOLS=1 asks for it. The last line of stderr says why there is none.
set -eu

cache=${XDG_CACHE_HOME:-$HOME/.cache}/labgen-tools
name=$1
case $name in
helm)
	version=v3.21.4 module=helm.sh/helm/v3 package=helm.sh/helm/v3/cmd/helm tags=''
	flags="-X helm.sh/helm/v3/internal/version.version=$version"
	;;
kubectl)
	version=v0.35.1 module=k8s.io/kubectl package=. tags=''
	flags="-X k8s.io/component-base/version.gitVersion=v1.35.1"
	;;
minikube)
	version=v1.38.1 module=k8s.io/minikube package=k8s.io/minikube/cmd/minikube tags=libvirt_dlopen
	flags="-X k8s.io/minikube/pkg/version.version=$version -X k8s.io/minikube/pkg/version.isoVersion=v1.38.0 \
-X k8s.io/minikube/pkg/version.storageProvisionerVersion=v5"
	;;
*)
	echo "gotools.sh: no tool named '$name'" >&2
	exit 2
	;;
esac

if [ -x "$cache/bin/$name" ]; then
	echo "$cache/bin/$name"
	exit 0
fi
if ! command -v go >/dev/null 2>&1; then
	echo "no Go compiler, so no $name from its module" >&2
	exit 1
fi
if [ "${LABGEN_GOTOOLS:-0}" != 1 ]; then
	echo "$name is not built yet; LABGEN_GOTOOLS=1 builds it from its module in some minutes" >&2
	exit 1
fi

work=$cache/$name
mkdir -p "$cache/bin" "$work"
cd "$work"
export GOPATH="$cache/go" GOFLAGS='-modcacherw -mod=mod'
# minikube's driver for kvm is the only one that wants a C compiler.
[ "$name" = minikube ] || export CGO_ENABLED=0
{
	if [ ! -f go.mod ]; then
		# What the module itself was built with, where it says so.
		go mod download "$module@$version"
		from=$GOPATH/pkg/mod/$module@$version
		sed 's/^module .*/module labtool/' "$from/go.mod" >go.mod
		cp "$from/go.sum" go.sum
		go mod edit -require="$module@$version"
	fi
	if [ "$name" = kubectl ]; then
		go mod edit -require=k8s.io/component-base@"$version"
		cat >main.go <<-'GO'
			package main

			import (
				"k8s.io/component-base/cli"
				"k8s.io/kubectl/pkg/cmd"
				"k8s.io/kubectl/pkg/cmd/util"
			)

			func main() {
				if err := cli.RunNoErrOutput(cmd.NewDefaultKubectlCommand()); err != nil {
					util.CheckErr(err)
				}
			}
		GO
	fi
	nice -n 19 go build -p 1 -tags "$tags" -ldflags "$flags" -o "$cache/bin/$name.part" "$package"
	mv "$cache/bin/$name.part" "$cache/bin/$name"
} >"$work/log" 2>&1 || {
	echo "$name could not be built: $(tail -n 1 "$work/log")" >&2
	exit 1
}
echo "$cache/bin/$name"
