import type { Engine } from '../config/config.ts'
import type { Mount } from '../config/mount.ts'
import type { Secret } from '../config/secret.ts'
import { stateFolder } from './names.ts'
import { defineAsRoot } from './rootless.ts'
import { type Script, sh } from './script.ts'

/** What a file holds, in base64: it may be a secret, and need not be text. */
export type File = Mount & { content: Secret }

export type Mounts = { prepare: Script; words: Script }

/**
 * Directories stand in the project's folder on the server, from release to release. Only whoever may read that folder
 * gets to them there, so that they can have whatever mode the container needs.
 */
export function directoryMounts(engine: Engine, scope: string, service: string, directories: readonly Mount[]): Mounts {
  const placeOf = ({ local }: Mount) => sh`"$state"/${`directories/${service}/${local}`}`
  const make = directories.map(one => {
    const place = placeOf(one)
    return sh`[ -d ${place} ] || { as_root mkdir -p ${place} && as_root chmod ${one.mode ?? '755'} ${place}; } || exit
${one.mode === undefined ? sh`:` : sh`as_root chmod ${one.mode} ${place} || exit`}
${giveTo(one.owner, place)}`
  })
  return {
    prepare: make.length > 0 ? sh`${[stateFolder(scope), defineAsRoot(engine), ...make]}` : sh`:`,
    words: onOneLine(directories.map(one => mountWords(placeOf(one), one))),
  }
}

/** Sets `$files`, the folder for what a container was given, so that every release keeps its own. */
export function filesFolder(scope: string, container: string): Script {
  return sh`${stateFolder(scope)}
files=$state/files/${container}`
}

/** With `$files` set. The files go through the shell's own printf, and so are in no list of processes. */
export function writeFiles(engine: Engine, files: readonly File[]): Script {
  const write = files.map((file, index) => {
    const place = sh`"$files"/${index}`
    return sh`printf '%s' ${file.content} | base64 -d >${place} && chmod ${file.mode ?? '644'} ${place} || exit
${giveTo(file.owner, place)}`
  })
  return write.length > 0 ? sh`${[defineAsRoot(engine), ...write]}` : sh`:`
}

/** The words by which a container gets the files that were written for it. */
export function fileWords(files: readonly Mount[]): Script {
  return onOneLine(files.map((file, index) => mountWords(sh`"$files"/${index}`, file)))
}

/** Takes `$files` away, unless a release that is on record can be made again with it. `$state` is the project's folder. */
export const removeFiles = sh`grep -qsF '"container":"'"\${files##*/}"'"' "$state"/releases/*.json || rm -rf "$files"`

/** Takes away the files of containers that are gone, and that no release on record has. */
export function removeOldFiles(engine: Engine): Script {
  return sh`if [ -d "$state/files" ] && names=$(${engine} ps -a --format '{{.Names}}'); then
  for files in "$state"/files/*; do
    for name in $names; do [ "\${files##*/}" != "$name" ] || continue 2; done
    ${removeFiles}
  done
fi`
}

// Without root the ids in a container are others than those of the server.
function giveTo(owner: string | undefined, place: Script): Script {
  return owner === undefined ? sh`:` : sh`as_root chown ${owner} ${place} || exit`
}

function mountWords(place: Script, { remote, options }: Mount): Script {
  return sh`-v ${place}${`:${remote}${options === undefined ? '' : `:${options}`}`}`
}

function onOneLine(words: readonly Script[]): Script {
  return words.reduce((before, one) => sh`${before} ${one}`, sh``)
}
