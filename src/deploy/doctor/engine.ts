import type { Engine } from '../../config/config.ts'
import { engineFailure } from '../../runner/engine-failure.ts'
import type { Answers } from './answers.ts'
import { ok, problem, problemOf, type Verdict } from './finding.ts'

/**
 * The oldest that will do. Docker: `docker context inspect`, by which a rootless one is found. Podman: `.State.Health` of
 * a container, and names of containers that others on a network can look up without a plug-in.
 */
const oldest: Record<Engine, string> = { docker: '19.03', podman: '4.0' }

/** Whether the engine is there, answers, and is new enough. */
export function judgeEngine(
  runner: { server: string },
  engine: Engine,
  { engine: answer, lacks, user }: Answers,
): Verdict {
  if (!answer)
    return problem(
      'engine.failed',
      'engine-hangs',
      `${engine} gives no answer, and does not fail either`,
      engine === 'docker' ? 'restart its daemon: sudo systemctl restart docker' : 'try `podman info` there',
    )
  const failure = engineFailure(runner, engine, { code: answer.status, stdout: answer.said, stderr: answer.said })
  if (failure) return problemOf(failure)
  const { version, arch } = answer
  return (
    judgeVersion(engine, version) ??
    ofRootless(lacks, user?.name ?? 'USER') ??
    ok([`${engine} ${version}`, ...(arch ? [arch] : [])].join(', '))
  )
}

function ofRootless(lacks: Answers['lacks'], user: string): Verdict | undefined {
  if (lacks.has('ids'))
    return problem(
      'engine.failed',
      'no-subids',
      `Podman has no ids for the users in containers: most images cannot be unpacked as ${user}`,
      `install newuidmap (the package uidmap or shadow-utils), then: sudo usermod --add-subuids 200000-265535 --add-subgids 200000-265535 ${user}; then, as ${user}: podman system migrate`,
    )
  if (lacks.has('network'))
    return problem(
      'engine.failed',
      'no-user-network',
      `Podman has nothing that makes networks for ${user}: neither pasta nor slirp4netns`,
      'install the package passt or slirp4netns there',
    )
  return undefined
}

/** Undefined for one that is new enough. */
export function judgeVersion(engine: Engine, version: string): Verdict | undefined {
  if (!isOlder(version, oldest[engine])) return undefined
  const hint = `jiji needs ${engine} ${oldest[engine]} or newer`
  return problem('engine.failed', 'engine-old', `${engine} ${version} is too old`, hint)
}

export function isOlder(version: string, than: string): boolean {
  const [a, b] = [version, than].map(text => text.split(/[^0-9]+/).map(Number))
  for (const [index, wanted] of (b ?? []).entries()) {
    const got = a?.[index] ?? 0
    if (got !== wanted) return got < wanted
  }
  return false
}

/** Images are built for what the configuration says, or else for this machine's own engine. */
export function judgeArch(
  { engine }: Answers,
  { server, arch, built }: { server: string; arch: string | undefined; built: string | undefined },
): Verdict | undefined {
  const actual = engine?.arch
  const wanted = arch ?? built
  if (!actual || !wanted || engine?.status !== 0) return undefined
  if (actual === wanted) return ok(actual)
  return problem(
    'config.invalid',
    'other-arch',
    `it is ${actual}, and images are built for ${wanted}`,
    `write servers.${server}.arch: ${actual}`,
  )
}
