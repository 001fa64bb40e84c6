/**
 * The two shell programs of a container.
 *
 * The *shim* outlives us. It claims the container by creating `<run>.start` exclusively: whoever comes second
 * leaves, so one container is never run twice. It carries stdout and stderr through two `cat`s into files, so
 * the container never blocks on, or dies of, a reader that is gone, and writes the exit code when the command
 * ends. Files beside each other in the run directory:
 *
 *     <id>.start   appended: `shim|init|main <line of /proc/self/stat>`, then `exec`, or `error <message>`
 *     <id>.stdout  <id>.stderr   what the container wrote
 *     <id>.exit    the exit code; its mtime is when the container ended
 *     <id>.done    nothing more will be written
 *
 * A container with standard input has two named pipes in its own directory: `stdin`, which the shim holds open
 * until somebody opens `stdin.end`, so that input may come in pieces from several, and ends when it should.
 *
 * The *run script* is generated per container. It is process 1 of the container's PID namespace: it reaps
 * orphans, and the command is its child (so that SIGTERM ends a command that has no handler for it).
 */
import { isAbsolute } from 'node:path';

/** One word for a POSIX shell, whatever it holds. */
export function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** Writes `<word> <own stat line>` on descriptor 5; in a subshell `/proc/self` is that subshell. */
const say = `say() {
  if [ -r /proc/self/stat ]; then IFS= read -r line </proc/self/stat; else line=$(exec sh -c 'echo $PPID'); fi
  printf '%s %s\\n' "$1" "$line" >&5
}`;

/** Arguments: the prefix of its files in the run directory, the container's directory, then what to run. */
export const shimScript = `#!/bin/sh
# The shim of one container: claims it, keeps its output, records its exit. Outlives whoever started it.
run=$1 own=$2
shift 2
${say}
set -C
exec 5>"$run.start" || exit 0
set +C
say shim
holder=
if [ -p "$own/stdin" ]; then
  { IFS= read -r line <"$own/stdin.end"; } >"$own/stdin" 5>&- &
  holder=$!
  exec 0<"$own/stdin"
else
  exec 0</dev/null
fi
{
  {
    "$@" 2>&4 4>&-
    printf '%s\\n' "$?" >"$run.exit.new" && mv "$run.exit.new" "$run.exit"
  } | cat >>"$run.stdout" 4>&- 5>&-
} 4>&1 | cat >>"$run.stderr" 5>&-
if [ -n "$holder" ]; then kill "$holder" 2>/dev/null; fi
: >"$run.done"
`;

/**
 * Ends the script with the words an OCI runtime has for a program that cannot be run. Expects a function
 * \`fail\` and the container's PATH in \`$search\`.
 */
export const checkProgram = `check_program() {
  case $1 in
    */*)
      [ -e "$1" ] || fail "exec: \\"$1\\": stat $1: no such file or directory"
      if [ -d "$1" ]; then fail "exec: \\"$1\\": is a directory"; fi
      [ -x "$1" ] || fail "exec: \\"$1\\": permission denied"
      ;;
    *)
      set -f
      IFS=:
      for folder in $search; do
        if [ -f "\${folder:-.}/$1" ] && [ -x "\${folder:-.}/$1" ]; then
          unset IFS
          set +f
          return
        fi
      done
      fail "exec: \\"$1\\": executable file not found in \\$PATH"
      ;;
  esac
}`;

export interface RunScriptInput {
  readonly argv: readonly string[];
  readonly env: ReadonlyMap<string, string>;
  readonly workingDir: string;
  readonly hostname: string;
  /** Shell lines that make the container's root and enter it; none when it runs in the host's. */
  readonly setUp?: string;
  /** Prefix of the command that changes the user. */
  readonly asUser: readonly string[];
}

/** @throws TypeError for text no process can be given */
export function runScript(input: RunScriptInput): string {
  const words = [...input.argv, ...[...input.env].flat(), input.workingDir];
  if (words.some((word) => word.includes('\0')))
    throw new TypeError('a command or variable holds a NUL byte');
  const [program = ''] = input.argv;
  const assignments = [...input.env].map(([name, value]) => `${name}=${value}`);
  // env(1) would take a program called a=b for a variable.
  const command =
    program.includes('=') && !isAbsolute(program) ? ['nice', '-n', '0', ...input.argv] : input.argv;
  const line = [...input.asUser, 'env', '-i', ...assignments, ...command].map(quote).join(' ');
  return `# Runs one container; written by gyre.
${say}
fail() {
  printf 'error %s\\n' "$(printf '%s' "$1" | tr '\\n' ' ')" >&5
  exit 128
}
${checkProgram}
run() {
  say init
  (
    say main
    umask 022
    ${input.setUp === undefined ? '' : `hostname ${quote(input.hostname)} 2>/dev/null`}
${input.setUp ?? ''}
    cd ${quote(input.workingDir)} 2>/dev/null || { mkdir -p ${quote(input.workingDir)} && cd ${quote(input.workingDir)}; } 2>/dev/null ||
      fail ${quote(`chdir to cwd (${JSON.stringify(input.workingDir)}) failed: no such file or directory`)}
    search=${quote(input.env.get('PATH') ?? '')}
    check_program ${quote(program)}
    echo exec >&5
    exec 5>&-
    exec ${line}
  )
  exit $?
}
run
`;
}
