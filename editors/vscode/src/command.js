// How the language server is started: the setting read with care. Knows nothing of the editor's API.
"use strict";

const DEFAULT_COMMAND = ["idiolect"];
const CURE = 'Install it with pip install "idiolect[lsp]", or set idiolect.command to where it is.';

/**
 * The program and its arguments.
 * @param {unknown} setting the value of idiolect.command
 * @param {string | undefined} folder the first workspace folder
 * @returns {{ command: string, args: string[] }}
 */
function serverCommand(setting, folder) {
  const parts = Array.isArray(setting) ? setting : typeof setting === "string" ? [setting] : [];
  const words = parts.filter((part) => typeof part === "string" && part.trim() !== "");
  const chosen = words.length > 0 ? words : DEFAULT_COMMAND;
  const [command, ...args] = chosen.map((word) => word.replaceAll("${workspaceFolder}", folder ?? "."));
  return { command, args: [...args, "lsp"] };
}

/**
 * What to tell a user whose server did not start.
 * @param {unknown} error
 * @param {string} command
 */
function startFailure(error, command) {
  const missing = error instanceof Error && /** @type {{ code?: string }} */ (error).code === "ENOENT";
  const reason = missing || /ENOENT/.test(String(error)) ? `there is no program "${command}"` : String(error);
  return `Idiolect's language server did not start: ${reason}. ${CURE}`;
}

module.exports = { serverCommand, startFailure };
