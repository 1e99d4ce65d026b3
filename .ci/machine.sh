# What the tests need of a machine: packages, Stripe's command line, PayPal's newer SDK, documents, running services, and a way into the databases.
# Sourced by `.ci/run`. Everything looks first whether it is there already.
# `phase` calls these functions where `set -e` has no effect: each returns its failure itself.

export DEBIAN_FRONTEND=noninteractive
# A PostgreSQL cluster takes the encoding of its databases from the locale that it is installed under.
export LC_ALL=C.UTF-8
export PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

# The system's own Python is an optimised build, which one that was built on the machine often is not: with it the tests
# take a quarter less.
preferred_python() {
    local system=/usr/bin/python3
    if [ -x "$system" ] && "$system" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then echo "$system"; else echo python3; fi
}
PYTHON=${PYTHON:-$(preferred_python)}
export PYTHON

STRIPE_CLI_VERSION=1.52.0
PAYPAL_SDK_VERSION=2.4.0
SERVICE_START_S=30

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; elif has_any sudo; then
        sudo -n env DEBIAN_FRONTEND="$DEBIAN_FRONTEND" LC_ALL="$LC_ALL" PATH="$PATH" "$@"
    else
        echo "needs root or sudo: $*" >&2
        return 1
    fi
}

has_any() { # has_any COMMAND...: one of them is installed
    local name
    for name in "$@"; do command -v "$name" >/dev/null && return 0; done
    return 1
}

listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

python_can() { "$PYTHON" -c "$1" >/dev/null 2>&1; }

# -- packages ---------------------------------------------------------------------------------------------------------

wanted_packages() { # one name a line: what is neither installed nor, for a server, reachable
    if has_any gcc && has_any make; then :; else echo build-essential; fi
    has_any git || echo git
    has_any pkg-config || echo pkg-config
    has_any openssl || echo openssl
    has_any "$PYTHON" || echo python3
    python_can 'import ensurepip, venv' || echo python3-venv
    python_can 'import os, sysconfig as s; os.stat(os.path.join(s.get_path("include"), "Python.h"))' || echo python3-dev
    has_any mariadb_config mysql_config || echo libmariadb-dev
    has_any chromium chromium-browser google-chrome || echo chromium
    if [ -z "$(stripe_cli_path)" ]; then has_any npm || printf '%s\n' nodejs npm; fi
    listens 5432 || has_any pg_ctlcluster || echo postgresql
    listens 3306 || has_any mariadbd mysqld || echo mariadb-server
    listens 6379 || has_any redis-server || echo redis-server
    listens 5672 || has_any rabbitmq-server || echo rabbitmq-server
}

packages() {
    local missing
    mapfile -t missing < <(wanted_packages)
    if [ ${#missing[@]} -gt 0 ]; then
        as_root apt-get update -q || return 1
        # Ubuntu has Chromium as a snap only; see `browser`.
        if ! apt-cache show chromium >/dev/null 2>&1; then mapfile -t missing < <(wanted_packages | grep -vx chromium); fi
    fi
    if [ ${#missing[@]} -gt 0 ]; then
        echo "installing ${missing[*]}"
        as_root apt-get install -q -y -o DPkg::Lock::Timeout=120 --no-install-recommends "${missing[@]}" || return 1
    fi
    if ! python_can 'import sys; sys.exit(sys.version_info < (3, 11))'; then
        echo "Python 3.11 or newer is needed; name one: PYTHON=python3.12 .ci/run" >&2
        return 1
    fi
}

stripe_cli_path() { # what STRIPE_CLI names, else the one on PATH, else the one installed here, else nothing
    local here=$PWD/.tools/node_modules/.bin/stripe
    if [ -n "${STRIPE_CLI:-}" ]; then echo "$STRIPE_CLI"; elif has_any stripe; then command -v stripe; elif [ -x "$here" ]; then echo "$here"; fi
}

stripe_cli() {
    if [ -z "$(stripe_cli_path)" ]; then
        npm install --prefix .tools --no-audit --no-fund --loglevel=error "@stripe/cli@$STRIPE_CLI_VERSION" || return 1
    fi
    STRIPE_CLI=$(stripe_cli_path)
    export STRIPE_CLI
    "$STRIPE_CLI" --version
}

# Beside the project's packages, not among them: what it needs installs a package named `tests`.
paypal_sdk() {
    local folder=$PWD/.tools/paypal-server-sdk
    if [ ! -d "$folder/paypalserversdk" ]; then
        .venv/bin/python -m pip install -qq --target "$folder" "paypal-server-sdk==$PAYPAL_SDK_VERSION" 'setuptools<81' || return 1
    fi
    export PAYPAL_NEWER_SDK=$folder
}

# The sandbox is judged by the providers' published OpenAPI documents where somebody laid them: in the folder that
# API_DOCUMENTS names, or beside this checkout.
api_documents() {
    local folder file
    for folder in "${API_DOCUMENTS:-}" ../*/specs; do
        for file in "$folder"/stripe*.json; do [ ! -f "$file" ] || export STRIPE_OPENAPI=${STRIPE_OPENAPI:-$(realpath "$file")}; done
        for file in "$folder"/square*.json; do [ ! -f "$file" ] || export SQUARE_OPENAPI=${SQUARE_OPENAPI:-$(realpath "$file")}; done
        for file in "$folder"/paypal_*.json; do [ ! -f "$file" ] || export PAYPAL_OPENAPI=${PAYPAL_OPENAPI:-$(realpath "$folder")}; done
    done
    if [ -z "${STRIPE_OPENAPI:-}${SQUARE_OPENAPI:-}${PAYPAL_OPENAPI:-}" ]; then
        echo "no published API documents: the tests that read them are skipped"
    fi
}

browser() { # where no package brings a Chromium: the one of Playwright, under the name the tests look for
    local path
    if has_any chromium chromium-browser google-chrome; then return; fi
    export PLAYWRIGHT_BROWSERS_PATH=$PWD/.tools/browsers
    .venv/bin/python -m playwright install --with-deps chromium || return 1
    path=$(find "$PLAYWRIGHT_BROWSERS_PATH" -path '*/chrome-linux*/chrome' -type f | head -n 1)
    if [ -z "$path" ]; then
        echo "Playwright has installed no Chromium" >&2
        return 1
    fi
    mkdir -p .tools/bin && ln -sf "$path" .tools/bin/chromium && export PATH=$PWD/.tools/bin:$PATH
}

setup() { # as `make setup`; a .venv from before the MariaDB headers is completed
    if [ -x .venv/bin/python ] && ! .venv/bin/python -c 'import MySQLdb' 2>/dev/null; then rm -f .venv/.installed; fi
    make --no-print-directory setup
}

# -- services ---------------------------------------------------------------------------------------------------------

wait_for_port() {
    local deadline=$((SECONDS + SERVICE_START_S))
    until listens "$1"; do
        if [ "$SECONDS" -ge "$deadline" ]; then return 1; fi
        sleep 0.5
    done
}

start() { # start NAME PORT FALLBACK SERVICE...: by the machine's own script where there is one, else by hand
    local name=$1 port=$2 by_hand=$3 service
    shift 3
    if listens "$port"; then return; fi
    echo "starting $name"
    for service in "$@"; do
        if [ -e "/etc/init.d/$service" ] || [ -e "/lib/systemd/system/$service.service" ]; then
            if as_root service "$service" start && wait_for_port "$port"; then return; fi
        fi
    done
    if "$by_hand" && wait_for_port "$port"; then return; fi
    echo "$name does not listen on 127.0.0.1:$port" >&2
    return 1
}

postgres_by_hand() {
    local version cluster
    read -r version cluster _ < <(pg_lsclusters --no-header) || return 1
    as_root pg_ctlcluster "$version" "$cluster" start
}

mariadb_by_hand() {
    as_root install -d -o mysql -g mysql /run/mysqld || return 1
    as_root sh -c 'setsid "$(command -v mariadbd || command -v mysqld)" --user=mysql >/dev/null 2>&1 </dev/null &'
}

redis_by_hand() { as_root redis-server --daemonize yes --bind 127.0.0.1 --dir /tmp --save '' >/dev/null; }

# The node's name does not hang on the machine's, which may resolve to nothing.
rabbitmq_by_hand() { as_root env RABBITMQ_NODENAME=rabbit@localhost rabbitmq-server -detached; }

services() {
    local status=0
    start PostgreSQL 5432 postgres_by_hand postgresql || status=1
    start MariaDB 3306 mariadb_by_hand mariadb mysql || status=1
    start Redis 6379 redis_by_hand redis-server redis || status=1
    start RabbitMQ 5672 rabbitmq_by_hand rabbitmq-server || status=1
    return "$status"
}

# -- a way into the databases -----------------------------------------------------------------------------------------

reachable() { REQUIRE_SERVICES=1 .ci/on-database "$1" "$2" .venv/bin/python -c '' >/dev/null 2>&1; }

random_password() { "$PYTHON" -c 'import secrets; print(secrets.token_hex(16))'; }

postgres_user() { # postgres_user PASSWORD: a login of the tests, made over the server's socket
    local admin=(as_root runuser -u postgres -- psql)
    (cd / && "${admin[@]}" -q -v ON_ERROR_STOP=1 -d postgres) <<SQL
SELECT 'CREATE ROLE payments_hub' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'payments_hub') \gexec
ALTER ROLE payments_hub LOGIN CREATEDB PASSWORD '$1';
SQL
}

mariadb_user() { # mariadb_user PASSWORD: the same; the server may know this machine by either name
    local client host
    client=$(command -v mariadb || command -v mysql) || return 1
    for host in 127.0.0.1 localhost; do
        as_root "$client" --protocol=socket <<SQL || return 1
CREATE USER IF NOT EXISTS 'payments_hub'@'$host';
ALTER USER 'payments_hub'@'$host' IDENTIFIED BY '$1';
GRANT ALL ON \`test\\_payments\\_hub%\`.* TO 'payments_hub'@'$host';
GRANT ALL ON \`hub\\_stack\\_%\`.* TO 'payments_hub'@'$host';
SQL
    done
}

open_database() { # open_database NAME VARIABLE SCHEME DEFAULT-LOGIN PORT MAKE-USER: exports TEST_..._URL and _SERVER
    local name=$1 url_name=TEST_$2_URL server_name=TEST_$2_SERVER scheme=$3 port=$5 make_user=$6 server password url
    url=${!url_name:-${!server_name:-$scheme://$4@127.0.0.1:$port}/payments_hub}
    server=${!server_name:-${url%/*}}
    if ! reachable "$name" "$url"; then
        if [ -n "${!url_name:-}${!server_name:-}" ]; then
            REQUIRE_SERVICES=1 .ci/on-database "$name" "$url" .venv/bin/python -c ''  # says why
            return 1
        fi
        echo "making the $name user payments_hub"
        password=$(random_password)
        "$make_user" "$password" || return 1
        server=$scheme://payments_hub:$password@127.0.0.1:$port url=$server/payments_hub
        REQUIRE_SERVICES=1 .ci/on-database "$name" "$url" .venv/bin/python -c '' >/dev/null || return 1
    fi
    export "$url_name=$url" "$server_name=$server"
}

access() {
    local status=0
    open_database postgres POSTGRES postgres postgres 5432 postgres_user || status=1
    open_database mariadb MARIADB mysql root 3306 mariadb_user || status=1
    return "$status"
}
