// Figures in JupyterLab, live at once. The extension of Python's plotly draws them, but shows a picture, where the
// output has one beside the figure, until the pointer comes. Our outputs have one, for those who cannot draw figures.
// Where plotly's extension is absent, this one does nothing, and JupyterLab shows the picture.
//
// Written as what webpack's module federation expects of a prebuilt extension, so that nothing needs to be built.
(() => {
  const MIME = "application/vnd.plotly.v1+json";
  let shared;

  const extension = async () => {
    const [{ get }] = Object.values(shared["@jupyterlab/rendermime"]);
    const { IRenderMimeRegistry } = (await get())();
    return {
      id: "asterolab-figures:live",
      description: "Shows figures of plotly live at once.",
      autoStart: true,
      requires: [IRenderMimeRegistry],
      activate: (_app, registry) => watch(registry),
    };
  };

  /** Whichever of the two extensions comes first. */
  function watch(registry) {
    const addFactory = registry.addFactory.bind(registry);
    const add = (factory, rank) => addFactory(factory.mimeTypes.includes(MIME) ? live(factory) : factory, rank);
    registry.addFactory = add;
    const present = registry.getFactory(MIME);
    if (present !== undefined) add(present, registry.getRank(MIME));
  }

  function live(factory) {
    return {
      ...factory,
      createRenderer(options) {
        const renderer = factory.createRenderer(options);
        if (typeof renderer.createGraph !== "function") return renderer; // another version: as it does by itself
        const renderPicture = renderer.renderModel.bind(renderer);
        renderer.renderModel = (model) => renderer.createGraph(copyOf(model)).catch(() => renderPicture(model));
        return renderer;
      },
    };
  }

  /** A copy: plotly writes into what it draws, and its extension puts a picture of its own into the notebook. */
  function copyOf({ data, metadata, trusted }) {
    return { data: { ...data, [MIME]: structuredClone(data[MIME]) }, metadata, trusted, setData: () => undefined };
  }

  window._JUPYTERLAB = window._JUPYTERLAB ?? {};
  window._JUPYTERLAB["asterolab-figures"] = {
    init: (scope) => {
      shared = scope;
    },
    get: async () => {
      const plugin = await extension();
      return () => ({ __esModule: true, default: plugin });
    },
  };
})();
