/** Does an image's name lead to Azure Container Registry? With a port it is the same registry. */
export const isAzureRegistry = (image: string): boolean => /^[^/]+\.azurecr\.(?:io|cn|us)\.?(?::\d*)?\//i.test(image);
