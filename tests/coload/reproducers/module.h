/* An extension module `_core` with one function, `check`. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#define MODULE(function)                                                                            \
    static PyObject *call(PyObject *self, PyObject *none) { return PyLong_FromLong(function()); }   \
    static PyMethodDef methods[] = {{"check", call, METH_NOARGS, 0}, {0, 0, 0, 0}};                 \
    static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_core", 0, -1, methods};        \
    PyMODINIT_FUNC PyInit__core(void) { return PyModule_Create(&definition); }

#ifdef __cplusplus
#define EXPORT extern "C" __attribute__((visibility("default")))
#else
#define EXPORT __attribute__((visibility("default")))
#endif

static inline long nothing(void) { return 42; }
