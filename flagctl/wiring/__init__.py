"""Where the rooms are put together: the only module that knows them all, and no rules."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from fastapi import FastAPI

from flagctl import logs
from flagctl.adapter import SlurmAdapter
from flagctl.adapter.policy_file import PolicyFile
from flagctl.adapter.telemetry import Resolution, log_resolution
from flagctl.domain.reminder_words import Recipient
from flagctl.errors import InvalidError, UnavailableError
from flagctl.reminders.addresses import AddressBook
from flagctl.reminders.delivering import Tools, new_holder
from flagctl.reminders.message import Place, trial_message
from flagctl.reminders.outage import TELL_AFTER_S
from flagctl.reminders.post import send
from flagctl.reminders.runner import Runner
from flagctl.runtime import probes
from flagctl.runtime.app import create as create_runtime
from flagctl.runtime.in_flight import InFlight
from flagctl.runtime.metrics import Metrics
from flagctl.runtime.services import Services as RuntimeServices
from flagctl.runtime.slurm_probes import slurm_probes
from flagctl.runtime.submit import Submissions
from flagctl.settings import Settings, load_settings
from flagctl.store.facts import gather_facts
from flagctl.store.files import DataFiles
from flagctl.store.heard import listen
from flagctl.store.migrate import upgrade
from flagctl.store.mode_reader import ModeReader
from flagctl.store.reading import keep_reading, reading
from flagctl.store.sessions import Sessions
from flagctl.store.submissions import SubmissionStore
from flagctl.store.writing import ControlStore, Receipt
from flagctl.vocabulary import DispatcherName, Mode
from flagctl.watch import AskedQueues, Tally, Watch
from flagctl.web.app import create as create_web
from flagctl.web.passwords import Passwords
from flagctl.web.services import Services as WebServices
from flagctl.wiring.dispatch import make_dispatchers, make_settler
from flagctl.wiring.slurm import slurm_parts


def now() -> datetime:
    """Return the time, aware and in UTC."""
    return datetime.now(UTC)


def web_server() -> FastAPI:
    """Return the admin web app of a server process, whose log is lines of JSON."""
    logs.configure()
    return web_app()


def runtime_server() -> FastAPI:
    """Return the submission runtime of a server process, whose log is lines of JSON."""
    logs.configure()
    return runtime_app()


def web_app(settings: Settings | None = None) -> FastAPI:
    """Return the admin web app.

    Raises:
        MisconfiguredError: a setting can't be used.

    """
    settings = settings or load_settings()
    runner = reminder_runner(settings)
    services = web_services(settings, announce=lambda _receipt: runner.wake())
    return create_web(services, alongside=(runner,))


def web_services(
    settings: Settings, announce: Callable[[Receipt], None] = lambda _receipt: None
) -> WebServices:
    """Return what the admin web works with; `announce` is told each act after its commit."""
    files = DataFiles(settings.data_dir)
    keep_reading(files, settings.busy_timeout_s)
    return WebServices(
        settings=settings,
        files=files,
        clock=now,
        store=ControlStore(files, now, settings.busy_timeout_s, announce),
        facts=lambda: gather_facts(files, now()),
        heard=lambda: listen(files, now()),
        sessions=Sessions(files),
        passwords=Passwords(),
    )


def runtime_app(settings: Settings | None = None) -> FastAPI:
    """Return the submission runtime.

    A store that can't be used does not stop it: it starts at the safe rule and says so.

    Raises:
        MisconfiguredError: a setting can't be used.

    """
    settings = settings or load_settings()
    return create_runtime(runtime_services(settings))


def runtime_services(settings: Settings) -> RuntimeServices:
    """Return what the submission runtime works with.

    Raises:
        MisconfiguredError: the data directory lies on a network file system.

    """
    files = DataFiles(settings.data_dir)
    with suppress(UnavailableError):
        upgrade(files)  # the reader tells what is wrong with it
    reader = ModeReader(settings.data_dir, settings.adapter_pin, signal=settings.mode_signal)
    policy = PolicyFile(settings.policy_path) if settings.policy_path else None
    slurm = slurm_parts(settings, policy)
    in_flight = InFlight()
    metrics = Metrics(reader, in_flight)
    tally, queues = Tally(), AskedQueues()
    adapter = SlurmAdapter(
        reader=reader, policy=policy, cluster=slurm.live, report=_reporting(metrics, tally, queues)
    )
    watch = Watch(
        files,
        reader,
        pin=settings.adapter_pin,
        clock=now,
        in_flight=in_flight.by_mode,
        tally=tally,
        judge=slurm.verdict.judgement,
        queues=queues,
        policy_path=settings.policy_path,
        policy_sha256=lambda: policy.reading().sha256 if policy else None,
    )
    if slurm.live is not None:
        slurm.live.on_news = watch.hurry
    store = SubmissionStore(files.submissions, settings.busy_timeout_s)
    dispatchers = make_dispatchers(settings, files, store, slurm.connection, now)
    to_slurm, lease = dispatchers.by_name.get(DispatcherName.SLURM), settings.submission_lease
    submissions = Submissions(
        adapter=adapter, store=store, dispatchers=dispatchers, clock=now, lease=lease
    )
    return RuntimeServices(
        reader=reader,
        store=store,
        dispatchers=dispatchers,
        submissions=submissions,
        in_flight=in_flight,
        metrics=metrics,
        probes=(
            probes.control_store(),
            probes.submissions(store),
            probes.in_doubt(store, now, lease),
            probes.dispatcher(dispatchers.for_mode(Mode.STUB_POLICY)),
            probes.queue_policy(policy),
            probes.data_directory(settings.data_dir),
            probes.process_registry(lambda: watch.trouble),
            *slurm_probes(slurm.verdict, slurm.snapshot_age_s, to_slurm),
        ),
        clock=now,
        retention=timedelta(days=settings.submission_retention_days),
        watching=(watch,),
        background=(slurm.connection,) if slurm.connection else (),
        settler=make_settler(settings, store, dispatchers, submissions, now),
    )


def reminder_runner(settings: Settings, *, is_patient: bool = True) -> Runner:
    """Return the runner of the reminders; every web process has one, and one of them works.

    One that is not patient tells of a store that can't be read at once: it does not run for long
    enough to see whether that lasts.
    """
    files = DataFiles(settings.data_dir)
    tools = Tools(
        files=files,
        store=ControlStore(files, now, settings.busy_timeout_s),
        book=_address_book(settings),
        place=Place(settings.environment, settings.public_url),
        clock=now,
        send=send,
        holder=new_holder(),
    )
    return Runner(tools, tell_outage_after_s=TELL_AFTER_S if is_patient else 0.0)


def try_addresses(
    settings: Settings, who: str, to: Recipient | None, person: str | None
) -> list[tuple[str, str | None]]:
    """Send a test message; return each address without its secrets, and what went wrong.

    Args:
        settings: where the channels are.
        who: who tries it.
        to: the channel to try.
        person: or the person whose own address is tried.

    Raises:
        InvalidError: the person can't be reached at an own address.

    """
    book = _address_book(settings)
    message = trial_message(Place(settings.environment, settings.public_url), who, now())
    addresses = book.channels(to) if to else []
    if person is not None:
        with reading(DataFiles(settings.data_dir)) as connection:
            found = book.address(connection, f"person/{person}")
        if isinstance(found, str):
            raise InvalidError(f"Nothing was sent: {found}.", "person")
        addresses = [found]
    return [(each.label, send(each, message)) for each in addresses]


def address_problems(settings: Settings) -> list[str]:
    """Return what is wrong with the configured channels, each named without its secrets."""
    every = _address_book(settings).channels(Recipient.OPERATORS, Recipient.ADMINS)
    return [f"{each.label}: {each.problem}" for each in every if each.problem]


def _address_book(settings: Settings) -> AddressBook:
    return AddressBook(settings.notify_urls, settings.notify_admin_urls)


def _reporting(metrics: Metrics, tally: Tally, queues: AskedQueues) -> Callable[[Resolution], None]:
    def report(resolution: Resolution) -> None:
        log_resolution(resolution)
        metrics.resolved(resolution)
        tally.count(resolution.effective, resolution.outcome)
        queues.note(resolution.queue)

    return report
