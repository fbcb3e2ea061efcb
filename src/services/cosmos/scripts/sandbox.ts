/**
 * QuickJS in WebAssembly, for one script at a time: no door to Node, bounded memory, stack and time. Runs in a thread of its
 * own (`thread.ts`). See docs/adr/0009-server-side-javascript.md.
 */
import variant from "@jitl/quickjs-ng-wasmfile-release-sync";
import {
  newQuickJSWASMModuleFromVariant,
  newVariant,
  type QuickJSContext,
  type QuickJSHandle,
  type QuickJSRuntime,
  type QuickJSSyncVariant,
  type QuickJSWASMModule,
} from "quickjs-emscripten-core";
import { clockPrelude } from "./prelude.ts";
import type { Thrown } from "./protocol.ts";

/** Node has it, the library of types that Node's come with does not. */
declare const WebAssembly: { readonly Memory: new (pages: { initial: number; maximum: number }) => object };

/** 64 KiB each: 16 MB to begin with, 96 MB at most, whatever QuickJS believes. */
const pages = { initial: 256, maximum: 1536 };
const memoryLimit = 64 * 1024 * 1024;
const stackLimit = 256 * 1024;

/** What a script that is too late may still take to say why it failed. */
const grace = 100;

const load = (): Promise<QuickJSWASMModule> =>
  newQuickJSWASMModuleFromVariant(
    // The package's types describe its CommonJS half.
    newVariant(variant as unknown as QuickJSSyncVariant, {
      wasmMemory: () => new WebAssembly.Memory(pages),
    }),
  );

/** A script threw: `handle` is what, to be disposed of before `close`. */
export class ScriptError extends Error {
  readonly handle: QuickJSHandle;
  constructor(handle: QuickJSHandle) {
    super("The script threw.");
    this.handle = handle;
  }
}

/** A script took too long. */
export class Interrupted extends Error {}

export interface Sandbox {
  readonly context: QuickJSContext;
  /** Counts from now. */
  limit(milliseconds: number): void;
  /** @throws Interrupted, ScriptError, or whatever the engine breaks with */
  evaluate(code: string, name: string): QuickJSHandle;
  /** Also runs the jobs of settled promises. @throws as `evaluate` */
  call(target: QuickJSHandle, ...args: readonly QuickJSHandle[]): QuickJSHandle;
  /** Lets a failed script speak once more, a little. */
  extend(): void;
  /** After every handle was disposed of. */
  close(): void;
}

/** An instance with what its memory began with. */
interface Instance {
  readonly module: QuickJSWASMModule;
  /** Up to the last byte that is not 0. */
  readonly image: Uint8Array;
}

const memoryOf = ({ module }: Pick<Instance, "module">): Uint8Array => new Uint8Array(module.getWasmMemory().buffer);

const newInstance = async (): Promise<Instance> => {
  const module = await load();
  const memory = memoryOf({ module });
  let end = memory.length;
  while (end > 0 && memory[end - 1] === 0) end -= 1;
  return { module, image: memory.slice(0, end) };
};

/**
 * Makes sandboxes: a fresh runtime each, in an instance that is kept only while it is small and sound. Its memory is set back
 * to what it began with: the engine hands out memory that it has not cleared (a SharedArrayBuffer that grows), and a script
 * would find in it what the one before it has read of another container.
 */
export const openSandboxes = (): (() => Promise<Sandbox>) => {
  let idle: Instance | undefined;
  return async () => {
    const instance = idle ?? (await newInstance());
    idle = undefined;
    return openSandbox(instance.module, () => {
      const memory = memoryOf(instance);
      if (memory.length > pages.initial * 65_536) return;
      memory.set(instance.image);
      memory.fill(0, instance.image.length);
      idle = instance;
    });
  };
};

const openSandbox = (module: QuickJSWASMModule, giveBack: () => void): Sandbox => {
  const runtime = module.newRuntime();
  runtime.setMemoryLimit(memoryLimit);
  runtime.setMaxStackSize(stackLimit);
  let deadline = Number.POSITIVE_INFINITY;
  let interrupted = false;
  let broken = false;
  runtime.setInterruptHandler(() => {
    if (performance.now() > deadline) interrupted = true;
    return interrupted;
  });
  const context = runtime.newContext();

  const guarded = (work: () => ReturnType<QuickJSContext["evalCode"]>): QuickJSHandle => {
    let result: ReturnType<QuickJSContext["evalCode"]>;
    try {
      result = work();
      if (result.error === undefined) drain(runtime, () => interrupted);
    } catch (error) {
      // The engine's own stack ran over, or its memory is spoilt: this instance is not used again.
      if (!(error instanceof ScriptError)) broken = true;
      throw interrupted ? new Interrupted() : error;
    }
    if (interrupted) throw new Interrupted();
    if (result.error !== undefined) throw new ScriptError(result.error);
    return result.value;
  };
  return {
    context,
    limit: (milliseconds) => {
      deadline = performance.now() + milliseconds;
    },
    evaluate: (code, name) => guarded(() => context.evalCode(code, name)),
    call: (target, ...args) => guarded(() => context.callFunction(target, context.undefined, ...args)),
    extend: () => {
      deadline = performance.now() + grace;
    },
    close: () => {
      // What was stopped somewhere in the middle is left to the garbage collector, instance and all.
      if (broken || interrupted) return;
      try {
        context.dispose();
        runtime.dispose();
      } catch {
        // A script has left the engine in a state that it does not recover from: this instance is not used again.
        return;
      }
      giveBack();
    },
  };
};

/** A promise's reactions; what they throw is a rejection and nobody's business, as on Azure. */
const drain = (runtime: QuickJSRuntime, interrupted: () => boolean): void => {
  while (runtime.hasPendingJob() && !interrupted()) {
    const result = runtime.executePendingJobs(100);
    if (result.error !== undefined) throw new ScriptError(result.error);
  }
};

/**
 * The function that a script's text stands for: an expression, or declarations of which the first is meant.
 * @throws as `Sandbox.evaluate`
 */
export const entryOf = (sandbox: Sandbox, source: string, name: string): QuickJSHandle => {
  const entry = entryIn(sandbox, source, name);
  if (sandbox.context.typeof(entry) !== "function") throw new TypeError("The script is not a function.");
  return entry;
};

const entryIn = (sandbox: Sandbox, source: string, name: string): QuickJSHandle => {
  let first: ScriptError;
  try {
    return sandbox.evaluate(`(${source.replace(/[;\s]+$/, "")}\n)`, name);
  } catch (error) {
    if (!(error instanceof ScriptError)) throw error;
    first = error;
  }
  try {
    const completed = sandbox.evaluate(source, name);
    const named = /(?:^|[^\w$.])function\s*\*?\s+([\w$]+)\s*\(/.exec(source)?.[1];
    if (named === undefined || sandbox.context.typeof(completed) === "function") return completed;
    return sandbox.evaluate(named, name);
  } catch (error) {
    if (!(error instanceof ScriptError)) throw error;
    // What is wrong with it as an expression tells more: "function name expected" says nothing.
    error.handle.dispose();
    throw first;
  }
};

/** Scripts live by the tenant's clock. */
export const setClock = (sandbox: Sandbox, now: number): void => {
  const set = sandbox.evaluate(clockPrelude, "lanyard.js");
  const start = sandbox.context.newNumber(now);
  sandbox.call(set, start).dispose();
  set.dispose();
  start.dispose();
};

/** What stands for an error of the engine itself, or of a script that cannot even say what is wrong. */
export const engineError = (error: unknown): Thrown => ({
  name: error instanceof Error ? error.name : "Error",
  message: error instanceof Error ? error.message : String(error),
  stack: "",
});
