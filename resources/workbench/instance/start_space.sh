# Sets up the JupyterLab of a Studio space. Read by the script that runs at its start, as the scientist; a start may take
# five minutes, so that what takes long goes on behind.

# What notebooks import, and where its data is.
read -r database work_group <<< "${QUERIES}" || true
printf '{"datasets": "%s", "region": "%s", "database": "%s", "workGroup": "%s"}\n' "${DATASETS}" "${REGION}" "${database}" "${work_group}" \
  > "${WORKBENCH}/settings.json"
packages="$(python3 -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
if [ ! -w "${packages}" ]; then packages="$(python3 -m site --user-site)"; fi
mkdir -p "${packages}"
echo "${WORKBENCH}/python" > "${packages}/workbench.pth"

# Git signs in to CodeCommit with the profile's role: there is no password to keep. It asks for a name before it makes one
# up from the machine's.
if [ -n "${AUTHOR_NAME}" ]; then git config --global user.name "${AUTHOR_NAME}"; fi
if [ -n "${AUTHOR_EMAIL}" ]; then git config --global user.email "${AUTHOR_EMAIL}"; fi
git config --global user.useConfigOnly true
git config --global credential.helper '!aws codecommit credential-helper $@'
git config --global credential.UseHttpPath true

export WORKBENCH PACKAGES SAVED_FILES REPOSITORY IDLE_MINUTES
setsid nohup bash "${WORKBENCH}/attend_space.sh" > "${WORKBENCH}/attend.log" 2>&1 < /dev/null &
