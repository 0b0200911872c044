# Goes on behind the JupyterLab of a Studio space, for as long as it runs: saves files every ten minutes, and renews the
# token for packages every hour.
set -uo pipefail
EVERY="${EVERY:-600}"

renew() {
  if [ -z "${PACKAGES}" ]; then return; fi
  local domain owner repository
  read -r domain owner repository <<< "${PACKAGES}"
  python3 "${WORKBENCH}/package_access.py" --domain "${domain}" --owner "${owner}" --repository "${repository}"
}

files() {
  if [ -z "${SAVED_FILES}" ]; then return; fi
  python3 "${WORKBENCH}/notebook_files.py" "$1" "${HOME}" "${SAVED_FILES}"
}

renew
until files restore; do sleep "${EVERY}"; done
if [ -n "${REPOSITORY}" ]; then
  clone="${HOME}/$(basename "${REPOSITORY}" .git)"
  if [ ! -e "${clone}" ]; then git clone "${REPOSITORY}" "${clone}"; fi
fi
rounds=0
while true; do
  files save
  sleep "${EVERY}"
  rounds=$((rounds + 1))
  if [ $((rounds % 6)) -eq 0 ]; then renew; fi
done
