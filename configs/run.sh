#!/bin/sh
# Serves the complete pass of configs/hangu.toml in the foreground, with three sample portals behind it.
# Expects the binaries in the folder BIN (default: target/release); `make run` builds them. Ctrl-C stops everything;
# what it keeps is in state/, and the next start goes on from there. To begin anew: stop it and remove state/.
set -eu
cd "$(dirname "$0")/.."

bin=${BIN:-${CARGO_TARGET_DIR:-target}/release}
state=state
config=configs/hangu.toml
operations=http://127.0.0.1:9180
portals=
gateway=

say() { printf '%s\n' "$*"; }

alive() { [ -n "$1" ] && kill -0 "$1" 2>/dev/null; }

portals_failed() {
    say '示例门户没有启动： · the sample portals did not start:' >&2
    cat "$state/portals.log" >&2
    exit 1
}

# Stops what was started, whatever the reason for leaving.
leave() {
    code=$?
    trap - EXIT INT TERM HUP
    if alive "$gateway"; then
        kill -TERM "$gateway" 2>/dev/null || true
        wait "$gateway" 2>/dev/null || true
    fi
    if alive "$portals"; then
        kill -TERM "$portals" 2>/dev/null || true
        wait "$portals" 2>/dev/null || true
    fi
    exit "$code"
}
trap leave EXIT
# 128 + the signal's number, as a shell reports it.
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

ready() { curl -fsS -o /dev/null --max-time 2 "$operations/readyz" 2>/dev/null; }

if ready; then
    say "已有网关在运行（$operations），请先停止 · a gateway is running already ($operations); stop it first" >&2
    exit 1
fi

"$bin/hangu" setup --state "$state" >/dev/null
mkdir -p "$state"
"$bin/hangu-portals" >"$state/portals.log" 2>&1 &
portals=$!
# A taken port shows at once.
sleep 0.5
if ! alive "$portals"; then
    portals_failed
fi
"$bin/hangu" run --config "$config" &
gateway=$!

tries=0
until ready; do
    tries=$((tries + 1))
    if ! alive "$portals"; then
        say "示例门户没有启动： · the sample portals did not start:" >&2
        cat "$state/portals.log" >&2
        exit 1
    fi
    if ! alive "$gateway"; then
        say '网关没有启动，原因见上 · the gateway did not start; the reason stands above' >&2
        exit 1
    fi
    if [ "$tries" -gt 300 ]; then
        say '网关 60 秒内没有就绪 · the gateway was not ready within 60 s' >&2
        exit 1
    fi
    sleep 0.2
done

# A value of samples.json by its path, as in `passwords.li`.
sample() {
    node -e '
        const [file, path] = process.argv.slice(1)
        let value = JSON.parse(require("fs").readFileSync(file, "utf8"))
        for (const key of path.split(".")) value = value[key]
        console.log(value)
    ' "$state/samples.json" "$1"
}

root=$state/pki/authority/root.pem
portal="https://portal.gov.example:8443"
exchange="https://exchange.gov.example:8444"
staff="https://hr.gov.example:8445"
local_portal="curl --cacert $root --resolve portal.gov.example:8443:127.0.0.1"
local_exchange="curl --cacert $root --resolve exchange.gov.example:8444:127.0.0.1"
local_staff="curl --cacert $root --resolve hr.gov.example:8445:127.0.0.1"

cat <<END

函谷已就绪 · Hangu is ready. Ctrl-C 停止 · stops it.

打开 · Open
  控制台 console        https://localhost:8446/
  政务服务 public site   $portal/       互联网 internet
  数据共享 exchange      $exchange/     政务外网 extranet
  人事管理 staff         $staff/           政务内网 intranet
  指标 metrics          $operations/metrics

浏览器要信任的根证书 · root certificate, for the browser to trust
  $PWD/$root
浏览器要认识的主机名，写入 /etc/hosts · host names, for /etc/hosts
  127.0.0.1 portal.gov.example exchange.gov.example hr.gov.example

示例身份 · Sample identities（口令在 passwords in $state/samples.json）
  控制台 console
    sun   $(sample passwords.sun)   系统管理员 system administrator
    chen  $(sample passwords.chen)   安全管理员 security administrator
    zhou  $(sample passwords.zhou)   安全管理员，复核他人的策略变更 security administrator, to review what chen proposes
    qian  $(sample passwords.qian)   审计员 auditor
  门户 portals, /.hangu/sign-in
    wang  $(sample passwords.wang)   公民 citizen
    li    $(sample passwords.li)   职员 clerk
    zhao  $(sample passwords.zhao)   主管 officer
    bad   $(sample passwords.bad)   已停用的职员 suspended clerk
  API 密钥 API key（svc:report）
    $(sample api-key.key)
  令牌 token（u:zhao，12 小时有效 valid for 12 hours）   $state/zhao.token
  客户端证书 client certificates   $state/pki/{zhao,li,tax-etl}.pem 与 and .key

试试这六条命令 · Six commands to try

1 公开页面 a public page
  $local_portal $portal/

2 主管凭令牌进入内网 an officer enters the intranet with a token
  $local_staff -H "Authorization: Bearer \$(cat $state/zhao.token)" $staff/

3 服务凭证书读取名单，个人信息已脱敏 a service reads a list with its certificate; personal data are redacted
  $local_exchange --cert $state/pki/tax-etl.pem --key $state/pki/tax-etl.key "$exchange/api/v1/people?page=1"

4 职员查看薪资，被策略拒绝 a clerk asks for a salary: refused by policy
  $local_staff --cert $state/pki/li.pem --key $state/pki/li.key $staff/api/v1/people/1001/salary

5 SQL 注入，被拦截 an SQL injection: blocked as an attack
  $local_portal "$portal/search?q=1'%20OR%20'1'='1"

6 校验审计日志 verify the audit log
  $bin/hangu audit verify $state/audit

END

wait "$gateway"
