//! What this simulation does not do: kernels, linking, textures, graphics interoperation, arrays. The functions exist because
//! FFmpeg looks them all up when it opens the library; each answers "not supported", and the call log shows that it was asked.

use crate::status::cu;

macro_rules! not_supported {
    ($($function:ident)*) => { api! { export; $( fn $function() { Err(cu::NOT_SUPPORTED) } )* } };
}
not_supported! {
    cuLaunchKernel cuLinkCreate cuLinkAddData cuLinkComplete cuLinkDestroy
    cuModuleLoadData cuModuleUnload cuModuleGetFunction cuModuleGetGlobal cuTexObjectCreate cuTexObjectDestroy
    cuGLGetDevices_v2 cuGraphicsGLRegisterImage cuGraphicsUnregisterResource cuGraphicsMapResources
    cuGraphicsUnmapResources cuGraphicsSubResourceGetMappedArray cuGraphicsResourceGetMappedPointer_v2
    cuArrayCreate_v2 cuArray3DCreate_v2 cuArrayDestroy
}
