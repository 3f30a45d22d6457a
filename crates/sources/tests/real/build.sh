#!/bin/sh
# Builds kube-apiserver, kube-controller-manager and etcd from their Go modules into the folder it is run in: ten minutes of one
# core, 5 GB while it works. The modules below `staging` are published by themselves, so the replacements are of versions.
set -eu
kubernetes=0.34.0
etcd=v3.5.21
export GOFLAGS=-mod=mod GOMAXPROCS=1 CGO_ENABLED=0 GOPATH="$PWD/go"

mkdir -p download etcd-main
[ -f download/go.mod ] || (cd download && go mod init download)
folder=$(cd download && go mod download -json "k8s.io/kubernetes@v1.${kubernetes#0.}" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
[ -d kubernetes ] || cp -r "$folder" kubernetes
chmod -R u+w kubernetes
cd kubernetes
rm -rf go.work go.work.sum vendor
sed -i "s#=> ./staging/src/\(k8s.io/[a-z0-9-]*\)#=> \1 v$kubernetes#" go.mod
for program in kube-apiserver kube-controller-manager; do
    nice -n 19 go build -p 1 -trimpath -ldflags '-s -w' -o "../$program" "./cmd/$program"
done
cd ../etcd-main
[ -f go.mod ] || go mod init etcd-main
go get "go.etcd.io/etcd/server/v3@$etcd"
nice -n 19 go build -p 1 -ldflags '-s -w' -o ../etcd go.etcd.io/etcd/server/v3
