import type { Engine, Service } from '../config/config.ts'
import { type Script, sh, type Word } from './script.ts'

/**
 * Docker takes a container that ended because its daemon died for one that was stopped by hand, so that `unless-stopped`
 * would leave it down (moby/moby#35304 and others like it). So what runs is `always` restarted, and what was stopped
 * `no` more. Podman has no daemon to die, and before 5.1 it cannot change what a container began with; of what is
 * `always` restarted its own unit for systemd starts old versions too, and without that both are the same to it.
 */
export function restartPolicy(engine: Engine, { restart }: Service): Service['restart'] {
  const unended = { docker: 'always', podman: 'unless-stopped' } as const
  return restart === 'always' || restart === 'unless-stopped' ? unended[engine] : restart
}

/** Starts containers that were stopped, which from now on are restarted as their service is. */
export function startContainers(engine: Engine, service: Service, names: readonly string[]): Script {
  return sh`{
  ${engine} start ${names} >/dev/null && ${setPolicy(engine, restartPolicy(engine, service), names)}
}`
}

/** Stops containers, which nothing but a rollback starts again: neither the engine's own start nor the server's. */
export function stopContainers(engine: Engine, names: readonly string[], seconds?: number): Script {
  return sh`{
  ${setPolicy(engine, 'no', names)}
  ${engine} stop ${seconds === undefined ? [] : ['-t', seconds]} ${names} >/dev/null
}`
}

/**
 * Words that take containers away, running or not, and those that are not there without a word. Podman takes none away whose
 * network another one shares, unless that goes as well; with `--depend` alone one that is not there keeps all others.
 */
export function removal(engine: Engine): Word[] {
  return engine === 'docker' ? ['docker', 'rm', '-f'] : ['podman', 'rm', '-f', '--depend', '--ignore']
}

/**
 * Takes away, whether they are there or not, containers whose work nobody waits for. Podman alone would wait for each as long
 * as it may take to stop, and an interrupted script has less time than that.
 */
export function removeSoon(engine: Engine, names: readonly Word[]): Script {
  return sh`${engine === 'podman' ? sh`podman stop --ignore -t 2 ${names};` : sh``} ${removal(engine)} ${names}`
}

function setPolicy(engine: Engine, policy: string, names: readonly string[]): Script {
  return engine === 'docker' ? sh`docker update --restart ${policy} ${names} >/dev/null` : sh`:`
}
