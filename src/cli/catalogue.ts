import type { Context } from './context.ts'
import { logOptions } from './log-options.ts'
import type { OptionSpec, SharedOption } from './options.ts'

/** A command: what it is called, what it takes, and where its code is. */
export type Command = {
  name: string
  /** In cac's form: `<one>`, `[one]`, `[...many]`. */
  arguments?: string
  summary: string
  shared: readonly SharedOption[]
  options?: readonly OptionSpec[]
  examples?: readonly string[]
  /** Its last arguments are a command to be run elsewhere, whose options are not ours. */
  passesOn?: boolean
  /** Goes on until Ctrl-C, which then is no failure. */
  isEndless?: boolean
  /** For programs, and in no help. */
  isHidden?: boolean
  /** A number is the exit status, of a command that is not ours. */
  load: () => Promise<{ run: (context: Context) => Promise<void> | Promise<number> }>
}

const reading = ['config', 'environment', 'hosts', 'services', 'output', 'quiet', 'verbose'] as const
const writing = ['config', 'environment', 'hosts', 'services', 'quiet', 'verbose', 'noHostEnv'] as const
const restarting = [
  ...['config', 'environment', 'hosts', 'output', 'yes', 'dryRun', 'wait'],
  ...['skipUnreachable', 'quiet', 'verbose', 'noHostEnv'],
] as const
const skips = [
  { flags: '-L, --skip-local', description: 'Leave out this machine' },
  { flags: '-R, --skip-remote', description: 'Leave out the servers' },
] as const
const registry = ['config', 'environment', 'hosts', 'output', 'quiet', 'verbose', 'noHostEnv'] as const

/** What jiji can do. */
export const catalogue: readonly Command[] = [
  {
    name: 'init',
    summary: 'Write a .jiji/deploy.yml to begin with',
    shared: ['quiet'],
    examples: ['jiji init'],
    load: () => import('./commands/init.ts'),
  },
  {
    name: 'validate',
    summary: 'Check the configuration, and name every problem in it',
    shared: ['config', 'environment', 'output', 'quiet', 'noHostEnv'],
    options: [{ flags: '--secrets', description: 'Also look up every secret' }],
    examples: ['jiji validate', 'jiji validate -e staging -o json'],
    load: () => import('./commands/validate.ts'),
  },
  {
    name: 'config',
    arguments: '[key]',
    summary: 'Show the configuration in full: files laid over each other, with defaults, without secrets',
    shared: ['config', 'environment', 'output', 'quiet'],
    options: [{ flags: '--origins', description: 'Where each value comes from: file and line, or the default' }],
    examples: ['jiji config', 'jiji config services.web -e staging --origins'],
    load: () => import('./commands/config.ts'),
  },
  {
    name: 'docs',
    arguments: '[key]',
    summary: 'Explain the keys of the configuration',
    shared: ['output', 'quiet'],
    options: [
      { flags: '--schema', description: 'The JSON Schema for editors' },
      { flags: '--markdown', description: 'The whole reference as a page' },
    ],
    examples: [
      'jiji docs',
      'jiji docs services.web.proxy',
      'jiji docs replicas',
      'jiji docs --schema > .jiji/schema.json',
    ],
    load: () => import('./commands/docs.ts'),
  },
  {
    name: 'build',
    summary: 'Build the images, and push them',
    shared: ['config', 'environment', 'services', 'version', 'output', 'quiet', 'verbose', 'noHostEnv'],
    options: [
      { flags: '--no-cache', description: 'Build every layer anew' },
      { flags: '--no-push', description: 'Build only' },
    ],
    examples: ['jiji build', 'jiji build -S web --no-push'],
    load: () => import('./commands/build.ts'),
  },
  {
    name: 'deploy',
    summary: 'Build, push, pull and switch to a new release',
    shared: [...writing, 'output', 'yes', 'version', 'dryRun', 'wait', 'skipUnreachable', 'skipHooks'],
    options: [
      { flags: '--no-cache', description: 'Build every layer anew' },
      { flags: '--skip-verify', description: 'Do not prove first that the registries take the credentials' },
      { flags: '--report <file>', description: 'Write a page of HTML that shows how it went, and when' },
    ],
    examples: [
      'jiji deploy',
      'jiji deploy -e staging --dry-run',
      'jiji deploy -S web -H "web*" --yes --wait',
      'jiji deploy --report deploy.html',
    ],
    load: () => import('./commands/deploy.ts'),
  },
  {
    name: 'rollback',
    arguments: '[release]',
    summary: 'Go back to the release before, or to another by its version or id',
    shared: [...writing, 'output', 'yes', 'dryRun', 'wait', 'skipUnreachable', 'skipHooks'],
    options: [
      { flags: '--list', description: 'Show which releases could be gone back to now, and why not to the others' },
      { flags: '--report <file>', description: 'Write a page of HTML that shows how it went, and when' },
    ],
    examples: ['jiji rollback', 'jiji rollback v1.4 -S web', 'jiji rollback --list'],
    load: () => import('./commands/rollback.ts'),
  },
  {
    name: 'service restart',
    arguments: '[...services]',
    summary: 'Replace running containers by new ones of the same version, without a gap',
    shared: restarting,
    examples: ['jiji service restart', 'jiji service restart web -H web1'],
    load: () => import('./commands/service-restart.ts'),
  },
  {
    name: 'service scale',
    arguments: '<...services>',
    summary: 'Run more or fewer replicas of services, until the next deploy',
    shared: restarting,
    examples: ['jiji service scale web=3', 'jiji service scale web=3 worker=2 --yes'],
    load: () => import('./commands/service-scale.ts'),
  },
  {
    name: 'service remove',
    arguments: '<...services>',
    summary: 'Take services off the servers: containers, routes, images and what is remembered of them',
    shared: ['config', 'environment', 'hosts', 'output', 'yes', 'dryRun', 'wait', 'quiet', 'verbose', 'noHostEnv'],
    options: [{ flags: '--volumes', description: 'Also what they keep: their named volumes and directories' }],
    examples: ['jiji service remove worker', 'jiji service remove worker -H web2 --yes'],
    load: () => import('./commands/service-remove.ts'),
  },
  {
    name: 'service prune',
    summary: 'Take away releases beyond those that are retained: containers, images and records',
    shared: ['config', 'environment', 'hosts', 'output', 'yes', 'dryRun', 'wait', 'quiet', 'verbose', 'noHostEnv'],
    examples: ['jiji service prune --dry-run', 'jiji service prune -H web1'],
    load: () => import('./commands/service-prune.ts'),
  },
  {
    name: 'status',
    summary: 'Show what runs where, and how it is',
    shared: reading,
    options: [{ flags: '-w, --watch', description: 'Go on looking, and show what changes, until Ctrl-C' }],
    examples: ['jiji status', 'jiji status -o json', 'jiji status --watch'],
    isEndless: true,
    load: () => import('./commands/status.ts'),
  },
  {
    name: 'logs',
    summary: 'Show what the services write, from all servers in the order of time',
    shared: reading,
    options: [
      ...logOptions,
      { flags: '--previous', description: 'Of the containers that ran before, and are kept for a rollback' },
    ],
    examples: ['jiji logs -S web -n 20', 'jiji logs -f --grep error', 'jiji logs --previous --since 2h'],
    isEndless: true,
    load: () => import('./commands/logs.ts'),
  },
  {
    name: 'exec',
    arguments: '<service> <...command>',
    summary: 'Run a command in a container of a service',
    shared: ['config', 'environment', 'hosts', 'quiet', 'verbose'],
    options: [
      { flags: '--all', description: 'In all its containers, on all servers' },
      { flags: '-i, --interactive', description: 'At this terminal' },
    ],
    passesOn: true,
    examples: ['jiji exec web -- ls -la /app', 'jiji exec -i web -- sh', 'jiji exec --all web -- df -h'],
    load: () => import('./commands/exec.ts'),
  },
  {
    name: 'audit',
    summary: 'Show who changed what, and when, from all servers in the order of time',
    shared: reading,
    options: [
      { flags: '-f, --follow', description: 'Go on showing new entries, until Ctrl-C' },
      { flags: '-n, --lines <count>', description: 'Entries of each server, or all (20; all with --since)' },
      { flags: '--since <time>', description: 'Only since a time (2026-01-31T12:00:00) or for a while (10m, 2d)' },
      { flags: '--by <text>', description: 'Only by those whose name, machine, CI run or key has this text' },
      {
        flags: '--action <name>',
        description: 'Only this action (rollback, "lock release"), or group of them (registry)',
      },
    ],
    examples: ['jiji audit', 'jiji audit --action rollback --since 7d', 'jiji audit -f --by ann'],
    isEndless: true,
    load: () => import('./commands/audit.ts'),
  },
  {
    name: 'lock status',
    summary: 'Show who holds the lock',
    shared: ['config', 'environment', 'hosts', 'output', 'quiet', 'verbose'],
    load: () => import('./commands/lock-status.ts'),
  },
  {
    name: 'lock acquire',
    summary: 'Keep others from deploying until the lock is released',
    shared: ['config', 'environment', 'hosts', 'quiet', 'verbose'],
    options: [{ flags: '-m, --message <text>', description: 'Why, for those who meet the lock' }],
    examples: ['jiji lock acquire -m "database move"'],
    load: () => import('./commands/lock-acquire.ts'),
  },
  {
    name: 'lock release',
    summary: 'Take the lock away, whoever holds it',
    shared: ['config', 'environment', 'hosts', 'quiet', 'verbose'],
    load: () => import('./commands/lock-release.ts'),
  },
  {
    name: 'server list',
    summary: 'Show the servers, what they are for, and whether they answer',
    shared: ['config', 'environment', 'hosts', 'output', 'quiet', 'verbose'],
    examples: ['jiji server list', 'jiji server list -o json'],
    load: () => import('./commands/server-list.ts'),
  },
  {
    name: 'run',
    arguments: '<service> [...command]',
    summary: 'Run a command in a new container of a service, beside those that serve',
    shared: ['config', 'environment', 'hosts', 'quiet', 'verbose', 'noHostEnv'],
    options: [{ flags: '-i, --interactive', description: 'At this terminal' }],
    passesOn: true,
    examples: ['jiji run web -- ./manage.py migrate', 'jiji run -i web -- sh'],
    load: () => import('./commands/run.ts'),
  },
  {
    name: 'server exec',
    arguments: '<...command>',
    summary: 'Run a command on the servers themselves',
    shared: ['config', 'environment', 'hosts', 'quiet', 'verbose'],
    options: [{ flags: '-i, --interactive', description: 'At this terminal, on one server' }],
    passesOn: true,
    examples: ['jiji server exec -- df -h', 'jiji server exec -i -H web1 -- bash'],
    load: () => import('./commands/server-exec.ts'),
  },
  {
    name: 'server teardown',
    summary: 'Take all of this project off the servers, and nothing that is not ours',
    shared: ['config', 'environment', 'hosts', 'output', 'yes', 'dryRun', 'wait', 'quiet', 'verbose', 'noHostEnv'],
    options: [
      { flags: '--volumes', description: 'Also what the services keep: their named volumes and directories' },
      { flags: '--confirm <project>', description: "The project's name, where nobody can be asked for it" },
    ],
    examples: ['jiji server teardown --dry-run', 'jiji server teardown -H web2 --yes --confirm myapp'],
    load: () => import('./commands/server-teardown.ts'),
  },
  {
    name: 'server backup',
    summary: 'Save what makes a fresh server take over: releases, audit, files and certificates',
    shared: ['config', 'environment', 'hosts', 'quiet', 'verbose', 'noHostEnv'],
    options: [
      { flags: '--to <path>', description: 'File to write, which only you may read' },
      { flags: '--force', description: 'Write it also where git would commit it' },
    ],
    examples: ['jiji server backup --to web1.tgz -H web1'],
    load: () => import('./commands/server-backup.ts'),
  },
  {
    name: 'server restore',
    arguments: '<file>',
    summary: 'Put a backup on a server, for the next deploy to go on from',
    shared: ['config', 'environment', 'hosts', 'yes', 'wait', 'quiet', 'verbose', 'noHostEnv'],
    options: [
      { flags: '--force', description: 'Also on a server that has the project, in the place of what it remembers' },
    ],
    examples: ['jiji server restore web1.tgz -H web1'],
    load: () => import('./commands/server-restore.ts'),
  },
  {
    name: 'proxy restart',
    summary: 'Replace the proxies by new ones of the same image and ports, without losing a request',
    shared: ['config', 'environment', 'hosts', 'output', 'yes', 'dryRun', 'wait', 'quiet', 'verbose', 'noHostEnv'],
    examples: ['jiji proxy restart', 'jiji proxy restart -H web1'],
    load: () => import('./commands/proxy-restart.ts'),
  },
  {
    name: 'proxy upgrade',
    summary: 'Give the proxies the image and the ports that are configured, without losing a request',
    shared: ['config', 'environment', 'hosts', 'output', 'yes', 'dryRun', 'wait', 'quiet', 'verbose', 'noHostEnv'],
    examples: ['jiji proxy upgrade --dry-run', 'jiji proxy upgrade -H web1 --yes'],
    load: () => import('./commands/proxy-upgrade.ts'),
  },
  {
    name: 'proxy remove',
    summary: 'Take the proxies away, where no project has routes any more; their certificates stay',
    shared: ['config', 'environment', 'hosts', 'output', 'yes', 'dryRun', 'wait', 'quiet', 'verbose', 'noHostEnv'],
    options: [
      { flags: '--force', description: 'Also where projects have routes, which then lead nowhere' },
      { flags: '--volumes', description: 'Also the certificates and routes that they keep' },
    ],
    examples: ['jiji proxy remove -H web2 --yes'],
    load: () => import('./commands/proxy-remove.ts'),
  },
  {
    name: 'proxy logs',
    summary: 'Show what the proxies write, from all servers in the order of time',
    shared: ['config', 'environment', 'hosts', 'output', 'quiet', 'verbose'],
    options: logOptions,
    examples: ['jiji proxy logs --grep error', 'jiji proxy logs -f -H web1'],
    isEndless: true,
    load: () => import('./commands/proxy-logs.ts'),
  },
  {
    name: 'registry login',
    arguments: '[...registries]',
    summary: 'Log in to the registries, here and on all servers',
    shared: registry,
    options: [
      ...skips,
      { flags: '-u, --username <name>', description: 'Log in under this name to a registry that is not declared' },
      { flags: '--password-stdin', description: 'Read the password from stdin, all of it' },
    ],
    examples: [
      'jiji registry login',
      'jiji registry login --skip-remote',
      'pass show ghcr | jiji registry login ghcr.io/you --username you --password-stdin',
    ],
    load: () => import('./commands/registry-login.ts'),
  },
  {
    name: 'registry logout',
    arguments: '[...registries]',
    summary: 'Log out of the registries, here and on all servers',
    shared: ['config', 'environment', 'hosts', 'output', 'quiet', 'verbose'],
    options: skips,
    examples: ['jiji registry logout', 'jiji registry logout ghcr.io/you --skip-local'],
    load: () => import('./commands/registry-logout.ts'),
  },
  {
    name: 'registry list',
    summary: 'Show the registries, whose name they take, and where a login is stored',
    shared: ['config', 'environment', 'hosts', 'output', 'quiet', 'verbose'],
    options: skips,
    examples: ['jiji registry list', 'jiji registry list -o json'],
    load: () => import('./commands/registry-list.ts'),
  },
  {
    name: 'registry verify',
    arguments: '[...images]',
    summary: 'Prove that the credentials can do what a deploy needs, from here and from each server',
    shared: [...registry, 'services'],
    options: skips,
    examples: ['jiji registry verify', 'jiji registry verify ghcr.io/company/worker:1.4 --skip-local'],
    load: () => import('./commands/registry-verify.ts'),
  },
  {
    name: 'registry explain',
    arguments: '<image>',
    summary: 'Show how an image is read, and which credential pulls it',
    shared: ['config', 'environment', 'output', 'quiet', 'noHostEnv'],
    examples: ['jiji registry explain ghcr.io/company/worker:1.4'],
    load: () => import('./commands/registry-explain.ts'),
  },
  {
    name: 'registry setup',
    summary: 'Start the local registry, or log in to a remote one',
    shared: registry,
    options: skips,
    load: () => import('./commands/registry-setup.ts'),
  },
  {
    name: 'registry export',
    arguments: '[format] [...registries]',
    summary: 'Write the registries for another tool: docker-config, podman-auth, kubernetes, containerd and more',
    shared: ['config', 'environment', 'quiet', 'verbose', 'noHostEnv'],
    options: [
      { flags: '--to <path>', description: 'File to write, for rkt a folder; without it the result goes to stdout' },
      { flags: '--reveal', description: 'Show secrets on a terminal' },
      { flags: '--force', description: 'Write also what git would commit' },
      { flags: '--name <name>', description: 'Name of the Kubernetes secret (PROJECT-registries)' },
      { flags: '--namespace <name>', description: 'Namespace of the Kubernetes secret' },
      { flags: '--service-account <name>', description: 'Kubernetes service account that is to use the secret' },
      { flags: '--source <url>', description: 'Where a machine that butane sets up fetches its docker-config' },
      {
        flags: '--auth-file <path>',
        description: 'Where docker-config lies on clients of nomad (/etc/docker-auth.json)',
      },
      { flags: '--basic', description: 'The kind that rkt used for what is no Docker registry' },
    ],
    examples: [
      'jiji registry export docker-config --to ~/.docker/config.json',
      'jiji registry export kubernetes company --namespace web --service-account default | kubectl apply -f -',
      'jiji registry export github-actions',
    ],
    load: () => import('./commands/registry-export.ts'),
  },
  {
    name: 'registry import',
    arguments: '<file>',
    summary: 'Declare the logins of a Docker, Podman or Kubernetes file here, and put their secrets into .env',
    shared: ['config', 'output', 'quiet', 'verbose'],
    options: [{ flags: '--force', description: 'Write .env also where git would commit it' }],
    examples: [
      'jiji registry import ~/.docker/config.json',
      'kubectl get secret registries -o yaml | jiji registry import -',
    ],
    load: () => import('./commands/registry-import.ts'),
  },
  {
    name: 'registry tunnel',
    summary: 'Let servers pull from the local registry by hand, until Ctrl-C',
    shared: registry,
    isEndless: true,
    examples: ['jiji registry tunnel -H web1'],
    load: () => import('./commands/registry-tunnel.ts'),
  },
  {
    name: 'registry prune',
    summary: 'Take old images out of the local registry, and give back their room',
    shared: ['config', 'environment', 'output', 'yes', 'dryRun', 'quiet', 'verbose'],
    options: [
      { flags: '--project <name>', description: 'Images of this project, instead of the one configured here' },
      { flags: '--all', description: 'Images of all projects' },
      {
        flags: '--older-than <age>',
        description: 'Images pushed longer ago (30d, 2w, 12h), instead of all but the newest (deploy.retain)',
      },
    ],
    examples: ['jiji registry prune --dry-run', 'jiji registry prune --all --older-than 30d --yes'],
    load: () => import('./commands/registry-prune.ts'),
  },
  {
    name: 'registry remove',
    summary: 'Take away the local registry, or log out of a remote one',
    shared: ['config', 'environment', 'hosts', 'output', 'yes', 'quiet', 'verbose'],
    options: skips,
    examples: ['jiji registry remove --yes'],
    load: () => import('./commands/registry-remove.ts'),
  },
  {
    name: 'doctor',
    summary: 'Find out what keeps a deploy from going well, here and on the servers, and what to do about it',
    shared: registry,
    examples: ['jiji doctor', 'jiji doctor -H web1 -o json'],
    load: () => import('./commands/doctor.ts'),
  },
  {
    name: 'completion',
    arguments: '<shell>',
    summary: 'Print what makes bash, zsh or fish complete commands, options and the names in deploy.yml',
    shared: [],
    examples: ['jiji completion bash >> ~/.bashrc', 'jiji completion zsh >> ~/.zshrc', 'jiji completion fish | source'],
    load: () => import('./commands/completion.ts'),
  },
  {
    name: 'complete',
    arguments: '[...words]',
    summary: 'Say what may stand at the end of these words',
    shared: [],
    passesOn: true,
    isHidden: true,
    load: () => import('./commands/complete.ts'),
  },
  {
    name: 'version',
    summary: "Show jiji's own version",
    shared: ['output'],
    load: () => import('./commands/version.ts'),
  },
]
