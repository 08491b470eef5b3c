import type { Engine, Service } from '../config/config.ts'
import type { Secret } from '../config/secret.ts'
import { containerWords, entrypointWords } from './container-words.ts'
import { directoryMounts, type File, fileMounts, filesFolder } from './mounts.ts'
import { ensureNetwork } from './network.ts'
import { type Script, sh, type Word } from './script.ts'

/** What a container of a service gets, whatever it is for: its environment, its network, its volumes and files. */
export type Surroundings = {
  scope: string
  service: Service
  secrets: readonly { name: string; value: Secret }[]
  files: readonly File[]
}

export type Running = {
  /** Goes first: says where files are kept. */
  place: Script
  /** Undoes `prepare`. */
  undo: Script
  /** What is done once. */
  prepare: Script
  /** What belongs into a subshell, before the containers that are run in it. */
  environment: Script
  /** Runs one, or makes one that is started later. */
  run: (words: readonly Word[], verb?: 'run' | 'create') => Script
}

/**
 * Runs containers of a service in its own surroundings. A file of variables has one line each. What does not fit on a line
 * goes through the environment of the engine's client, which can be read by this user alone. Files are kept under the name
 * of the first container.
 */
export function runContainers(
  engine: Engine,
  { scope, service, secrets, files }: Surroundings,
  first: string,
  image: string,
  command: readonly Word[],
): Running {
  const { clear } = service.environment
  const multiline = (value: string) => /[\r\n]/.test(value)
  const fileOf = [
    ...Object.entries(clear)
      .filter(([, value]) => !multiline(value))
      .map(([name, value]) => sh`printf '%s\\n' ${`${name}=${value}`}`),
    ...secrets
      .filter(({ value }) => !multiline(value.reveal()))
      .map(({ name, value }) => sh`printf '%s\\n' ${value.map(text => `${name}=${text}`)}`),
  ]
  const exported = [
    ...Object.entries(clear)
      .filter(([, value]) => multiline(value))
      .map(([name, value]) => ({ name, script: sh`export ${name}=${value}` })),
    ...secrets
      .filter(({ value }) => multiline(value.reveal()))
      .map(({ name, value }) => ({ name, script: sh`export ${name}=${value}` })),
  ]
  const own: Word[] = [
    ...['--pull', 'never'],
    ...containerWords(service),
    ...service.volumes.flatMap(volume => ['-v', volumeName(scope, service.name, volume)]),
    ...exported.flatMap(({ name }) => ['-e', name]),
  ]
  const entrypoint = entrypointWords(service)
  const directories = directoryMounts(engine, scope, service.name, service.directories)
  const uploaded = fileMounts(engine, files)
  return {
    place: files.length > 0 ? filesFolder(scope, first) : sh`:`,
    undo: files.length > 0 ? sh`rm -rf "$files"` : sh`:`,
    prepare: sh`make_private
{
${[sh`:`, ...fileOf]}
} >"$private"/environment
${ensureNetwork(engine)}
${directories.prepare}
${uploaded.prepare}`,
    environment: sh`${[sh`:`, ...exported.map(({ script }) => script)]}`,
    run: (words, verb = 'run') =>
      sh`${engine} ${verb} ${words} --env-file "$private"/environment ${own}${directories.words}${uploaded.words} ${entrypoint.options} ${image} ${entrypoint.before} ${command}`,
  }
}

/** A named volume belongs to the service: its name begins with project and service. A path stands as it is. */
function volumeName(scope: string, service: string, volume: string): string {
  return volume.startsWith('/') ? volume : `${scope}-${service}-${volume}`
}
