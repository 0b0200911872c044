#!/bin/bash
# Runs as root at each start of the notebook instance. IDLE_MINUTES and the author's lines are put before it.
set -euo pipefail

install -d -m 755 /usr/local/lib/workbench
cat > /usr/local/lib/workbench/idle_shutdown.py <<'PYTHON'
@IDLE_SHUTDOWN@
PYTHON

cat > /etc/systemd/system/idle-shutdown.service <<UNIT
[Unit]
Description=Stop the notebook instance when it is idle
[Service]
Type=oneshot
ExecStart=/usr/bin/python3 /usr/local/lib/workbench/idle_shutdown.py --minutes ${IDLE_MINUTES}
UNIT
cat > /etc/systemd/system/idle-shutdown.timer <<UNIT
[Unit]
Description=Look every five minutes whether the notebook instance is idle
[Timer]
OnBootSec=10min
OnUnitActiveSec=5min
[Install]
WantedBy=timers.target
UNIT
systemctl daemon-reload
systemctl enable --now idle-shutdown.timer

if [ -n "${AUTHOR_NAME}" ]; then sudo -u ec2-user git config --global user.name "${AUTHOR_NAME}"; fi
if [ -n "${AUTHOR_EMAIL}" ]; then sudo -u ec2-user git config --global user.email "${AUTHOR_EMAIL}"; fi
# Git signs in to CodeCommit with the instance's role: there is no password to keep.
sudo -u ec2-user git config --global credential.helper '!aws codecommit credential-helper $@'
sudo -u ec2-user git config --global credential.UseHttpPath true
