#!/bin/sh
# The compiler launcher: ccache, told of files in the build folder by relative paths. CMake names the precompiled header by an absolute
# one behind -Xclang, which ccache does not rewrite; without this no checkout could use what another one compiled.
for argument do
  shift
  set -- "$@" "${argument#"$PWD/"}"
done
exec ccache "$@"
