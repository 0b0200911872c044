# Goes on behind the JupyterLab of a Studio space, for as long as it runs: looks every five minutes whether it is idle,
# saves files every ten minutes, and renews the token for packages every hour.
set -uo pipefail
EVERY="${EVERY:-300}"
JUPYTER="${JUPYTER:-http://localhost:8888/jupyterlab/default}"

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

stop_when_idle() {
  local save=''
  if [ -n "${SAVED_FILES}" ]; then save="python3 '${WORKBENCH}/notebook_files.py' save '${HOME}' '${SAVED_FILES}'"; fi
  python3 "${WORKBENCH}/idle_shutdown.py" --minutes "${IDLE_MINUTES}" --url "${JUPYTER}" --state "${WORKBENCH}/idle_shutdown.json" --before-stop "${save}"
}

renew
until files restore; do sleep "${EVERY}"; done
if [ -n "${REPOSITORY}" ]; then
  clone="${HOME}/$(basename "${REPOSITORY}" .git)"
  if [ ! -e "${clone}" ]; then git clone "${REPOSITORY}" "${clone}"; fi
fi
rounds=0
while true; do
  if [ $((rounds % 2)) -eq 0 ]; then files save; fi
  stop_when_idle
  sleep "${EVERY}"
  rounds=$((rounds + 1))
  if [ $((rounds % 12)) -eq 0 ]; then renew; fi
done
