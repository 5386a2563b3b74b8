/* What libavutil/hwcontext_vaapi.h needs of libva's header, so that libva's development files are not needed. */
#ifndef AVSLUICE_STUB_VA_H
#define AVSLUICE_STUB_VA_H
typedef void *VADisplay;
typedef unsigned int VAGenericID;
typedef VAGenericID VAConfigID;
typedef VAGenericID VASurfaceID;
typedef struct _VASurfaceAttrib VASurfaceAttrib;
#endif
