/** A line of a Procfile. */
export type Process = { name: string; command: string }

export function readProcfile(text: string): Process[] {
  return text.split(/\r?\n/).flatMap(line => {
    const [, name, command] = /^([A-Za-z0-9_-]+):\s*(\S.*?)\s*$/.exec(line) ?? []
    return name === undefined || command === undefined ? [] : [{ name, command }]
  })
}
