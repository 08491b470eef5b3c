/** A code block of a page: what its fence says after the language, or nothing for one that is indented. */
export type Block = { language: string; about: string; text: string; line: number }

/** All code blocks, and what stands between them. */
export function readMarkdown(source: string): { blocks: Block[]; prose: string } {
  const blocks: Block[] = []
  const prose: string[] = []
  let open: (Block & { fence: boolean }) | undefined
  const lines = source.split('\n')
  for (const [index, line] of lines.entries()) {
    const fence = /^```(\S*) ?(.*)$/.exec(line)
    if (open?.fence && !fence) open.text += `${line}\n`
    else if (open?.fence) open = undefined
    else if (fence) {
      open = { fence: true, language: fence[1] ?? '', about: fence[2] ?? '', text: '', line: index + 1 }
      blocks.push(open)
    } else if (/^ {4}/.test(line) && (open || /^$/.test(lines[index - 1] ?? ''))) {
      if (!open) {
        open = { fence: false, language: '', about: '', text: '', line: index + 1 }
        blocks.push(open)
      }
      open.text += `${line.slice(4)}\n`
    } else {
      if (line !== '') open = undefined
      prose.push(line)
    }
  }
  return {
    blocks: blocks.map(({ language, about, text, line }) => ({ language, about, text, line })),
    prose: prose.join('\n'),
  }
}

/** What stands between backticks, on one line. */
export function codeIn(prose: string): string[] {
  return [...prose.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code.replace(/\s+/g, ' ').trim())
}

/** Where its links lead, but those to the web. */
export function linksIn(prose: string): string[] {
  const text = prose.replace(/`[^`]*`/g, '')
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target).filter(one => !/^[a-z]+:/.test(one))
}

/** The anchors that GitHub gives a page's headings. */
export function anchorsOf(prose: string): string[] {
  const headings = [...prose.matchAll(/^#+ +(.*)$/gm)].map(([, heading = '']) => heading)
  return headings.map(heading =>
    heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

/** The command lines of a program in lines of shell, as words; without comments, redirections and what they are piped into. */
export function commandLines(text: string, program: string): string[][] {
  return text.split('\n').flatMap(line =>
    simpleCommands(line.replace(/^\$ /, '')).flatMap(words => {
      const [first, ...rest] = words.slice(words.findIndex(word => !/^\w+=/.test(word)))
      return first === program ? [rest] : []
    }),
  )
}

function simpleCommands(line: string): string[][] {
  const commands: string[][] = [[]]
  for (const [token = '', double, single] of line.matchAll(
    /"([^"]*)"|'([^']*)'|&&|\|\||[|;]|[<>]+\s*\S+|#.*|[^\s|;<>"']+/g,
  )) {
    if (token.startsWith('#')) break
    if (/^[<>]/.test(token)) continue
    if (/^(&&|[|;])/.test(token)) commands.push([])
    else commands.at(-1)?.push(double ?? single ?? token)
  }
  return commands
}
