/** What browsers have as `EventSource`, as far as the web provider uses it; Node has none without a flag. */
export class TestEventSource extends EventTarget {
  readyState = 0;
  readonly #stop = new AbortController();

  constructor(url: string) {
    super();
    void this.#read(url);
  }

  close(): void {
    this.readyState = 2;
    this.#stop.abort();
  }

  async #read(url: string): Promise<void> {
    try {
      const response = await fetch(url, { signal: this.#stop.signal });
      if (!response.ok || response.body === null) throw new Error(String(response.status));
      this.readyState = 1;
      this.dispatchEvent(new Event("open"));
      const decoder = new TextDecoder();
      let text = "";
      for await (const chunk of response.body) {
        text += decoder.decode(chunk, { stream: true });
        const blocks = text.split("\n\n");
        text = blocks.pop() ?? "";
        for (const data of blocks.flatMap((block) => /^data: (.*)$/m.exec(block)?.[1] ?? [])) {
          this.dispatchEvent(new MessageEvent("message", { data }));
        }
      }
    } catch {
      if (this.readyState === 2) return;
      this.readyState = 2;
      this.dispatchEvent(new Event("error"));
    }
  }
}
