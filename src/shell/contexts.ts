import { type Script, sh } from './script.ts'

/** What a builder elsewhere needs of a build: its context, in a folder that is there only meanwhile. */

/**
 * Makes a folder on the disk, since a context may be larger than the memory, and says `folder PATH`. It is removed when
 * stdin ends, and with it whatever was put into it.
 */
export function holdFolder(): Script {
  return sh`folder=$(mktemp -d "\${TMPDIR:-/var/tmp}/jiji-build.XXXXXX") || exit
on_exit() { for try in 1 2 3 4 5; do rm -rf "$folder" && break; sleep 0.2; done; }
echo "folder $folder"
while :; do interruptible sleep 1000000; done`
}

/** Writes what a folder holds under these names to stdout. On macOS, tar would add files for extended attributes. */
export function packFolder(folder: string, names: readonly string[]): Script {
  return sh`export COPYFILE_DISABLE=1
interruptible tar -cf - -C ${folder} -- ${names.map(name => `./${name}`)}`
}

/** Takes what `packFolder` has written, from descriptor 3, into a folder of its own. */
export function unpackFolder(folder: string): Script {
  return sh`mkdir ${folder} || exit
chmod 755 ${folder}
echo ready
tar -xpof - -C ${folder} <&3`
}
