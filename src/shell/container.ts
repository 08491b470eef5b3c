import type { Engine, Service } from '../config/config.ts'
import type { Secret } from '../config/secret.ts'
import { containerWords, entrypointWords } from './container-words.ts'
import { directoryMounts, type File, filesFolder, fileWords, removeFiles, writeFiles } from './mounts.ts'
import { ensureNetwork } from './network.ts'
import { quote, type Script, sh, type Word } from './script.ts'

/** What a container of a service gets, whatever it is for: its environment, its network, its volumes and files. */
export type Surroundings = {
  scope: string
  service: Service
  secrets: readonly { name: string; value: Secret }[]
  files: readonly File[]
  /** The container whose network it shares, where it has none of its own. */
  joins?: string | undefined
}

/** Of a container that is to be made again from what was kept: its environment and its files are not written anew. */
export type Kept = Pick<Surroundings, 'scope' | 'service' | 'joins'> & { isKept: true }

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

export type What = {
  /** The first container, under whose name files are kept. */
  first: string
  image: string
  command: readonly Word[]
  /** Whether the environment is kept beside the files, so that the containers can be made again, or is gone with the script. */
  keepsAll?: boolean
}

/** Runs containers of a service in its own surroundings. */
export function runContainers(engine: Engine, surroundings: Surroundings | Kept, what: What): Running {
  const { scope, service } = surroundings
  const { first, image, command, keepsAll = false } = what
  const isKept = 'isKept' in surroundings
  const hasFolder = keepsAll || service.files.length > 0
  const folder = keepsAll ? sh`"$files"` : sh`"$private"`
  const own: Word[] = [
    ...['--pull', 'never'],
    ...containerWords(service, surroundings.joins),
    ...service.volumes.flatMap(volume => ['-v', volumeName(scope, service.name, volume)]),
  ]
  const entrypoint = entrypointWords(service)
  const directories = directoryMounts(engine, scope, service.name, service.directories)
  return {
    place: hasFolder ? filesFolder(scope, first) : sh`:`,
    undo: hasFolder ? removeFiles : sh`:`,
    prepare: sh`${keepsAll ? sh`:` : sh`make_private`}
${isKept ? sh`:` : write(engine, surroundings, { hasFolder, folder })}
${ensureNetwork(engine)}
${directories.prepare}`,
    environment: sh`set --
. ${folder}/exports`,
    run: (words, verb = 'run') =>
      sh`${engine} ${verb} ${words} --env-file ${folder}/environment "$@" ${own}${directories.words}${fileWords(service.files)} ${entrypoint.options} ${image} ${entrypoint.before} ${command}`,
  }
}

function write(engine: Engine, surroundings: Surroundings, at: { hasFolder: boolean; folder: Script }): Script {
  return sh`${at.hasFolder ? sh`rm -rf "$files" && mkdir -p "$files" || exit` : sh`:`}
${writeEnvironment(surroundings, at.folder)}
${writeFiles(engine, surroundings.files)}`
}

/**
 * A file of variables has one line each. What does not fit on a line goes through the environment of the engine's client,
 * which can be read by this user alone: a second file says so, and gives the engine their names.
 */
function writeEnvironment({ service, secrets }: Surroundings, folder: Script): Script {
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
      .map(([name, value]) => sh`printf '%s\\n' ${exportLine(name, value)}`),
    ...secrets
      .filter(({ value }) => multiline(value.reveal()))
      .map(({ name, value }) => sh`printf '%s\\n' ${value.map(text => exportLine(name, text))}`),
  ]
  return sh`{
${[sh`:`, ...fileOf]}
} >${folder}/environment || exit
{
${[sh`:`, ...exported]}
} >${folder}/exports || exit`
}

/** In words of the shell, which reads it once more. */
function exportLine(name: string, value: string): string {
  return `export ${name}=${quote(value)}; set -- "$@" -e ${name}`
}

/** A named volume belongs to the service: its name begins with project and service. A path stands as it is. */
export function volumeName(scope: string, service: string, volume: string): string {
  return volume.startsWith('/') ? volume : `${scope}-${service}-${volume}`
}
