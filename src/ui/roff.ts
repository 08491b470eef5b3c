/** A page for `man`, in the macros that groff and mandoc both know: man(7). All text in it is text, whatever it looks like. */

export type ManPage = {
  /** Such as `jiji-deploy`; its section is 1 for commands and 5 for files. */
  name: string
  section: 1 | 5
  summary: string
  /** Lines of roff: of `heading`, `paragraph` and so on. */
  body: readonly string[]
}

export function renderManPage(page: ManPage, about: { version: string; date: string }): string {
  const { name, section, summary, body } = page
  const lines = [
    `.TH "${roff(name.toUpperCase())}" ${section} "${about.date}" "jiji ${roff(about.version)}" "Jiji"`,
    '.ad l', // in narrow columns words are not drawn apart, and names not cut in two
    '.nh',
    ...heading('Name'),
    `${roff(name)} \\- ${roff(summary)}`,
    ...body,
  ]
  return `${lines.join('\n')}\n`
}

export function heading(title: string): string[] {
  return [`.SH "${roff(title.toUpperCase())}"`]
}

/** A part of a section, whose title stays as it is written. */
export function subheading(title: string): string[] {
  return [`.SS "${roff(title)}"`]
}

/** Below a heading, which begins the first. */
export function paragraphs(...texts: readonly string[]): string[] {
  return texts.flatMap((text, index) => (index === 0 ? [line(text)] : ['.PP', line(text)]))
}

/** What something is for, below it. `term` is roff. */
export function definition(term: string, text: string): string[] {
  return ['.TP', term, line(text)]
}

/** As it is to be typed: no line is filled. */
export function verbatim(lines: readonly string[]): string[] {
  return ['.nf', ...lines.map(line), '.fi']
}

export function bold(text: string): string {
  return `\\fB${roff(text)}\\fR`
}

/** Another page: jiji-deploy(1). */
export function refersTo(name: string, section: number): string {
  return `${bold(name)}(${section})`
}

/** What is typed as it stands is bold; what stands for something else, `<file>` and `[key]`, is not. */
export function usage(text: string): string {
  return text
    .split(' ')
    .map(word => (/^[<[]/.test(word) ? `\\fI${roff(word)}\\fR` : bold(word)))
    .join(' ')
}

/** Only the first character of a line can make it a request. */
function line(text: string): string {
  return `${/^[.']/.test(text) ? '\\&' : ''}${roff(text)}`
}

/** What roff or a font would read as something else, so that `-`, `'` and `~` can be copied from a page to a shell. */
const characters: Readonly<Record<string, string>> = {
  '\\': '\\(rs',
  '-': '\\-',
  "'": '\\(aq',
  '"': '\\(dq',
  '`': '\\(ga',
  '^': '\\(ha',
  '~': '\\(ti',
}

function roff(text: string): string {
  return text
    .replace(/\s*\n\s*/g, ' ')
    .replace(/[\\\-'"`^~]/g, character => characters[character] ?? character)
    .replace(/[^\u0020-\u007e]/gu, character => `\\[u${hex(character)}]`)
}

function hex(character: string): string {
  return (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')
}
