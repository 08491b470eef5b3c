import type { Config, Service } from '../../config/config.ts'
import type { Runner } from '../../runner/runner.ts'
import { examineHere } from '../../shell/doctor.ts'
import type { Answers } from './answers.ts'
import { ask } from './ask.ts'
import { judgeDisk } from './disk.ts'
import { judgeEngine } from './engine.ts'
import { type Finding, findingsAt, ok, problem, unknown, type Verdict, warning } from './finding.ts'
import { checkLocalRegistry } from './local-registry.ts'

/** What a deploy needs of this machine. */
export async function examineThisMachine(
  config: Config,
  services: readonly Service[],
  here: Runner,
  signal: AbortSignal,
): Promise<Finding[]> {
  const { engine, registry } = config.builder
  const { answers } = await ask(here, examineHere(engine), signal)
  const built = services.filter(({ build }) => build)
  const isUsable = answers.engine?.status === 0
  const isNeeded = built.length > 0
  return findingsAt('here', {
    engine: isUsable || isNeeded ? ofHere(engine, judgeEngine(here, engine, answers)) : unneeded(engine),
    build: isUsable && isNeeded ? judgeBuild(config, built, answers) : undefined,
    disk: judgeDisk(answers),
    ssh: judgeSsh(answers),
    git: judgeGit(answers),
    registry:
      registry.type === 'local' && isNeeded && isUsable
        ? await checkLocalRegistry(here, engine, registry, signal)
        : undefined,
  })
}

/** What to do about a missing engine is said for servers. */
function ofHere(engine: string, verdict: Verdict): Verdict {
  if (verdict.cause !== 'engine.missing') return verdict
  return { ...verdict, hint: `install ${engine}, or name the engine that is here: builder.engine` }
}

function unneeded(engine: string): Verdict {
  return ok(`${engine} does not answer, and is not needed: nothing is built`)
}

/** As shell/images.ts builds: BuildKit by the plug-in, or in a client of Docker that has it built in. */
export function judgeBuild(
  { builder: { engine, cache } }: Pick<Config, 'builder'>,
  built: readonly Pick<Service, 'name' | 'build'>[],
  { tools, client }: Pick<Answers, 'tools' | 'client'>,
): Verdict {
  if (engine === 'podman') return ok('podman build')
  if (tools.has('buildx')) return ok('BuildKit, by the plug-in buildx')
  if (!client)
    return unknown('no-client', 'the Docker client does not say its version', 'see what `docker version` says')
  const hint = 'install the plug-in: docker-buildx on Debian and Ubuntu, docker-buildx-plugin in those of Docker'
  const isBuiltIn = Number.parseInt(client, 10) < 23
  if (cache.type === 'registry' || cache.type === 'gha' || (cache.type === 'inline' && !isBuiltIn))
    return problem('build.failed', 'no-buildx', `builder.cache: ${cache.type} needs the plug-in buildx`, hint)
  if (isBuiltIn) return ok(`BuildKit, as Docker ${client} has it built in`)
  const needing = built.filter(({ build }) => build && build.secrets.length > 0).map(({ name }) => name)
  return needing.length > 0
    ? problem(
        'build.failed',
        'no-buildkit',
        `the Docker client ${client} has no BuildKit without the plug-in buildx, and ${needing.join(', ')} mounts secrets in its build`,
        hint,
      )
    : warning(
        'no-buildkit',
        `the Docker client ${client} has no BuildKit without the plug-in buildx: the old builder is used`,
        hint,
      )
}

function judgeSsh({ tools }: Answers): Verdict {
  const missing = ['ssh', 'ssh-keygen'].filter(tool => !tools.has(tool))
  if (missing.length === 0) return ok('~/.ssh/config is read by ssh itself')
  return warning(
    'no-ssh',
    `${missing.join(' and ')} is not installed: ~/.ssh/config is not honoured`,
    'install the OpenSSH client: openssh-client on Debian and Ubuntu',
  )
}

function judgeGit({ tools }: Answers): Verdict {
  if (tools.has('git')) return ok('versions are commits, in a work tree')
  return warning('no-git', 'git is not installed: versions are time stamps', 'install git, or give --version')
}
