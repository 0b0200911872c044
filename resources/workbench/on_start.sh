#!/bin/bash
# Runs at each start of a notebook, with the settings put before it: fetches the programs of the workbench, and goes on there.
set -euo pipefail
export AWS_DEFAULT_REGION="${REGION}"
WORKBENCH="${DESTDIR:-}${WORKBENCH}"

rm -rf "${WORKBENCH}"
install -d -m 755 "${WORKBENCH}"
aws s3 cp --only-show-errors "${PROGRAMS}" "${WORKBENCH}/programs.zip"
python3 -m zipfile -e "${WORKBENCH}/programs.zip" "${WORKBENCH}"
rm "${WORKBENCH}/programs.zip"
. "${WORKBENCH}/${START}"
