# Sets up a notebook instance. Read by the script that runs at its start, as root; a start may take five minutes, so that
# what takes long is left to systemd.

HOME_FOLDER=/home/ec2-user
FILES="${HOME_FOLDER}/SageMaker"
UNITS="${DESTDIR:-}/etc/systemd/system"
install -d -m 755 "${UNITS}"
find "${WORKBENCH}" -type d -exec chmod 755 {} + -o -type f -exec chmod 644 {} +

as_user() { sudo -H -u ec2-user "$@"; }

# unit NAME DESCRIPTION LINE...: a service that runs once
unit() {
  local name="$1" description="$2"
  shift 2
  printf '%s\n' '[Unit]' "Description=${description}" 'Wants=network-online.target' 'After=network-online.target' '[Service]' 'Type=oneshot' \
    "Environment=AWS_DEFAULT_REGION=${REGION}" "$@" > "${UNITS}/${name}.service"
}

# timer NAME DESCRIPTION FIRST EVERY: when the service of that name runs
timer() {
  printf '%s\n' '[Unit]' "Description=$2" '[Timer]' "OnActiveSec=$3" "OnUnitActiveSec=$4" > "${UNITS}/$1.timer"
}

# What notebooks import, and where its data is.
read -r database work_group <<< "${QUERIES}" || true
printf '{"datasets": "%s", "region": "%s", "database": "%s", "workGroup": "%s"}\n' "${DATASETS}" "${REGION}" "${database}" "${work_group}" \
  > "${WORKBENCH}/settings.json"
for packages in "${DESTDIR:-}${HOME_FOLDER}"/anaconda3/lib/python3*/site-packages "${DESTDIR:-}${HOME_FOLDER}"/anaconda3/envs/*/lib/python3*/site-packages; do
  if [ -d "${packages}" ]; then echo "${WORKBENCH}/python" > "${packages}/workbench.pth"; fi
done

# Git signs in to CodeCommit with the instance's role: there is no password to keep. It asks for a name before it makes
# one up from the machine's.
if [ -n "${AUTHOR_NAME}" ]; then as_user git config --global user.name "${AUTHOR_NAME}"; fi
if [ -n "${AUTHOR_EMAIL}" ]; then as_user git config --global user.email "${AUTHOR_EMAIL}"; fi
as_user git config --global user.useConfigOnly true
as_user git config --global credential.helper '!aws codecommit credential-helper $@'
as_user git config --global credential.UseHttpPath true

started=()
before_stop=''
if [ -n "${SAVED_FILES}" ]; then
  keep="/usr/bin/python3 ${WORKBENCH}/notebook_files.py"
  unit notebook-restore 'Bring back saved files to a new volume' User=ec2-user "ExecStart=${keep} restore ${FILES} ${SAVED_FILES}" \
    Restart=on-failure RestartSec=60
  unit notebook-save "Save the notebook's files" User=ec2-user "ExecStart=${keep} save ${FILES} ${SAVED_FILES}"
  timer notebook-save "Save the notebook's files every ten minutes" 10min 10min
  # Stopped before the network is, when the machine shuts down.
  unit notebook-save-at-stop "Save the notebook's files when the machine stops" User=ec2-user RemainAfterExit=yes ExecStart=/bin/true \
    "ExecStop=${keep} save ${FILES} ${SAVED_FILES}" TimeoutStopSec=120
  started+=(notebook-restore.service notebook-save.timer notebook-save-at-stop.service)
  before_stop=" --before-stop 'systemctl start notebook-save.service'"
fi
if [ -n "${PACKAGES}" ]; then
  read -r domain owner repository <<< "${PACKAGES}"
  unit package-access 'Let pip install packages' User=ec2-user \
    "ExecStart=/usr/bin/python3 ${WORKBENCH}/package_access.py --domain ${domain} --owner ${owner} --repository ${repository}" \
    Restart=on-failure RestartSec=60
  timer package-access 'Renew the token for packages every hour' 1s 1h
  started+=(package-access.timer)
fi
unit idle-shutdown 'Stop the notebook instance when it is idle' \
  "ExecStart=/usr/bin/python3 ${WORKBENCH}/idle_shutdown.py --minutes ${IDLE_MINUTES}${before_stop}"
timer idle-shutdown 'Look every five minutes whether the notebook instance is idle' 5min 5min
started+=(idle-shutdown.timer)

systemctl daemon-reload
systemctl start --no-block "${started[@]}"
