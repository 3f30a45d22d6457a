"""Runs the shop, a small system nobody wrote for Firstcause, with faults that can be switched on.

    python3 run.py --otlp http://127.0.0.1:4318

Three Python services with the OpenTelemetry distribution's automatic instrumentation, one of Node, a PostgreSQL and
a Redis. One command a line on standard input: `fault NAME`, `heal`, `stop`; each is answered by a line `done ...`.
The end of the input ends everything. A deploy starts the new version before it stops the old one.

It installs Python and Node packages into its cache; PostgreSQL, Redis, Node and npm must be there.
"""

import argparse
import hashlib
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
NODE = HERE.parent / "shop-node"
READY_SECONDS = 60
STOP_SECONDS = 8
SERVICES = ("mailer", "accounts", "pricing", "web")

# What each fault is: the service that is deployed anew, and its setting. A hanging Redis has no deploy.
FAULTS = {
    "n_plus_one": ("accounts", {"ITEMS_ONE_BY_ONE": "true"}),
    "blocking_client": ("web", {"ACCOUNTS_CLIENT": "requests"}),
    "pool_of_one": ("accounts", {"POOL_SIZE": "1"}),
    "failing_callee": ("pricing", {"QUOTE_PARTS": "0"}),
    "redis_hangs": None,
}


class Unmet(Exception):
    """Something that must be there is not; its text says what to do."""


def program(name, package, *elsewhere):
    """The path of a program, newest first where there are several."""
    found = shutil.which(name) or next((str(p) for e in elsewhere for p in sorted(pathlib.Path("/").glob(e))[::-1]), None)
    if found is None:
        raise Unmet(f"`{name}` is not installed; hint: apt-get install {package}, or `cargo xtask test --only needs`")
    return found


def prepare(cache):
    """Installs the pinned packages once for each state of the lists; gives the folder of Python's programs."""
    python_list, node_list = HERE / "requirements.txt", NODE / "package-lock.json"
    state = hashlib.sha256(python_list.read_bytes() + node_list.read_bytes() + sys.version.encode()).hexdigest()
    folder = cache / state[:16]
    stamp = folder / "complete"
    if not stamp.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(NODE / name, folder)
        npm = [program("npm", "npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        node = subprocess.Popen(npm, cwd=folder, stdin=subprocess.DEVNULL, stdout=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True, stdout=sys.stderr)
        pip = [folder / "venv/bin/pip", "install", "-q", "--disable-pip-version-check", "--no-deps", "-r", python_list]
        subprocess.run(pip, check=True, stdout=sys.stderr, stdin=subprocess.DEVNULL)
        if node.wait() != 0:
            raise Unmet("npm could not install the packages of the Node service; hint: see its message above")
        stamp.touch()
    return folder


def free_port():
    """A port nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Shop:
    """All processes of the system."""

    def __init__(self, arguments, folder):
        self.arguments, self.folder = arguments, folder
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="shop-"))
        self.listeners, self.running, self.others = {}, {}, []
        self.redis, self.release = None, 0
        self.environment = {}

    def start(self):
        """Starts everything, the servers first."""
        database = self.start_postgres()
        port = free_port()
        redis = program("redis-server", "redis-server")
        self.redis = self.spawn([redis, "--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", self.scratch])
        self.others.append(self.redis)
        self.environment = {
            "DATABASE_URL": database,
            "REDIS_URL": f"redis://127.0.0.1:{port}/0",
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.arguments.otlp,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_TRACES_EXPORTER": "otlp",
            "OTEL_METRICS_EXPORTER": "none",
            "OTEL_LOGS_EXPORTER": "none",
            "OTEL_BSP_SCHEDULE_DELAY": "500",
            # By default the Node distribution asks the metadata addresses of clouds.
            "OTEL_NODE_RESOURCE_DETECTORS": "env,host,os,process",
            "NODE_PATH": str(self.folder / "node_modules"),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        for name in SERVICES:
            listener = socket.create_server(("127.0.0.1", 0), backlog=256)
            self.listeners[name] = listener
            self.environment[f"{name.upper()}_URL"] = f"http://127.0.0.1:{listener.getsockname()[1]}"
        # Known from the first on, so that those are stopped too whose neighbour does not start.
        for name in SERVICES:
            self.running[name] = self.begin(name, "1.0.0", {})
        for name, process in self.running.items():
            self.await_ready(name, process)
        web = self.listeners["web"].getsockname()
        load = [sys.executable, HERE / "load.py", web[0], web[1], self.arguments.rate, self.arguments.seed]
        self.others.append(self.spawn(load))

    def start_postgres(self):
        """A new cluster without durability, by a user that may run it; gives its address."""
        binaries = pathlib.Path(program("initdb", "postgresql", "usr/lib/postgresql/*/bin/initdb")).resolve().parent
        user = {}
        if os.getuid() == 0:
            account = pwd.getpwnam("postgres")
            user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
            os.chown(self.scratch, account.pw_uid, account.pw_gid)
        data, port = self.scratch / "postgres", free_port()
        initdb = [binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-N", "--no-locale", "-E", "UTF8"]
        subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, cwd="/", **user)
        settings = {"port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off"}
        server = [binaries / "postgres", "-D", data]
        for setting, value in settings.items():
            server += ["-c", f"{setting}={value}"]
        self.others.append(self.spawn(server, cwd="/", **user))
        address = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        seed = [binaries / "psql", "-q", "-v", "ON_ERROR_STOP=1", "-d", address, "-f", HERE / "schema.sql"]
        deadline = time.monotonic() + READY_SECONDS
        while subprocess.run([binaries / "pg_isready", "-q", "-d", address]).returncode != 0:
            if time.monotonic() > deadline:
                raise Unmet("PostgreSQL did not start; hint: see its message above")
            time.sleep(0.1)
        subprocess.run(seed, check=True)
        return address

    def spawn(self, command, **more):
        """Starts a process that reads nothing and speaks on standard error."""
        more = {"stdin": subprocess.DEVNULL, "stdout": sys.stderr, **more}
        return subprocess.Popen([str(word) for word in command], **more)

    def begin(self, name, version, setting):
        """Starts a version of a service; it is not ready yet."""
        number = self.listeners[name].fileno()
        if name == "mailer":
            register = "@opentelemetry/auto-instrumentations-node/register"
            command = [program("node", "nodejs"), "--require", register, NODE / "mailer.js", number]
        else:
            binaries = self.folder / "venv/bin"
            command = [binaries / "opentelemetry-instrument", binaries / "python", HERE / "serve.py", name, number]
        environment = {
            **os.environ,
            **self.environment,
            "OTEL_SERVICE_NAME": name,
            "OTEL_RESOURCE_ATTRIBUTES": f"service.version={version}",
            **setting,
        }
        return self.spawn(command, stdout=subprocess.PIPE, env=environment, pass_fds=[number])

    def await_ready(self, name, process):
        """Waits until the process says that it serves."""
        # A process that ends closes its output, so this waits no longer than the process lives.
        if process.stdout.readline().strip() != b"ready":
            raise Unmet(f"{name} did not start; hint: see its message above")

    def deploy(self, name, setting):
        """Replaces a service by a version with this setting, the new one first."""
        self.release += 1
        new = self.begin(name, f"1.{self.release}.0", setting)
        # Elsewhere a new version starts on a machine of its own; here its start must not slow the others.
        # Only the superuser may take that back.
        may_yield = os.getuid() == 0
        usual = os.getpriority(os.PRIO_PROCESS, 0)
        if may_yield:
            os.setpriority(os.PRIO_PROCESS, new.pid, usual + 10)
        try:
            self.await_ready(name, new)
        except BaseException:
            end(new)
            raise
        if may_yield:
            os.setpriority(os.PRIO_PROCESS, new.pid, usual)
        old, self.running[name] = self.running[name], new
        end(old)

    def fault(self, name):
        """Switches a fault on."""
        if FAULTS[name] is None:
            self.redis.send_signal(signal.SIGSTOP)
        else:
            self.deploy(*FAULTS[name])

    def heal(self, name):
        """Takes a fault back."""
        if FAULTS[name] is None:
            self.redis.send_signal(signal.SIGCONT)
        else:
            self.deploy(FAULTS[name][0], {})

    def stop(self):
        """Ends every process and removes what they wrote."""
        if self.redis is not None:
            self.redis.send_signal(signal.SIGCONT)
        for process in [*self.others[::-1], *self.running.values()]:
            process.kill() if process in self.running.values() else process.terminate()
        for process in [*self.others, *self.running.values()]:
            end(process)
        shutil.rmtree(self.scratch, ignore_errors=True)


def end(process):
    """Ends a process, kindly first."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def obey(shop):
    """Carries out what standard input says, until it ends."""
    active = None
    for line in sys.stdin:
        match line.split():
            case ["fault", name] if name in FAULTS and active is None:
                shop.fault(name)
                active = name
            case ["heal"] if active is not None:
                shop.heal(active)
                active = None
            case ["stop"]:
                return
            case words:
                print(f"refused {' '.join(words)}: fault {'|'.join(FAULTS)}, heal, stop", flush=True)
                continue
        print(f"done {line.strip()}", flush=True)


def main():
    """Runs until told to stop."""
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("--otlp", default="http://127.0.0.1:4318", help="where telemetry goes, OTLP over HTTP")
    reader.add_argument("--rate", default="14", help="requests a second")
    reader.add_argument("--seed", default="1", help="seed of the load")
    reader.add_argument("--cache", type=pathlib.Path, default=pathlib.Path("target/shop"), help="installed packages")
    reader.add_argument("--prepare", action="store_true", help="only install the packages")
    arguments = reader.parse_args()
    try:
        folder = prepare(arguments.cache.resolve())
        if arguments.prepare:
            return 0
        shop = Shop(arguments, folder)
        # SIGTERM is how people end it: it must not leave its children behind.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        try:
            shop.start()
            print("done start", flush=True)
            obey(shop)
        finally:
            shop.stop()
    except Unmet as unmet:
        print(f"error: {unmet}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
