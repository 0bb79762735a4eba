#!/bin/sh
# The compiler launcher: ccache, told of files in the build folder by relative paths. CMake names the precompiled header by an absolute
# one behind -Xclang, which ccache does not rewrite; without this no checkout could use what another one compiled. The precompiled
# header itself is always made here: clang refuses one that was made in another folder once that folder is gone.
for argument do
  [ "$argument" != -emit-pch ] || CCACHE_DISABLE=1
  shift
  set -- "$@" "${argument#"$PWD/"}"
done
export CCACHE_DISABLE
[ -n "$CCACHE_DISABLE" ] || unset CCACHE_DISABLE
exec ccache "$@"
