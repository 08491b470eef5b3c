/** A server that was not known, and whose host key has been recorded. */
export type Stranger = { server: string; label: string; file: string; key: string }

/** Up to so many are shown with their keys; of more, nobody would read them here. */
const few = 3

/** What to say of them: a line for each, or one for all that are in one file. */
export function describeStrangers(met: readonly Stranger[]): { server: string; text: string }[] {
  if (met.length <= few)
    return met.map(({ server, label, file, key }) => ({
      server,
      text: `${label} was not known; its host key is now in ${file}: ${key}`,
    }))
  return [...new Set(met.map(({ file }) => file))].map(file => {
    const own = met.filter(one => one.file === file)
    const names = own.map(({ label }) => label.replace(/ \(.*$/, '')).join(', ')
    const text = `${own.length} servers were not known; their host keys are now in ${file}, and ssh-keygen -lf shows them: ${names}`
    return { server: own[0]?.server ?? '', text }
  })
}
